"""Which task is answered from an earlier rehearsal: Vertex's key is image, command, arguments and inputs."""

import json
import shutil
from pathlib import Path

import pytest

from tests.pipeline.vertex.rehearsal.test_scheduler import OUT, READ, WRITE, run, states
from tests.pipeline.vertex.tiny import job, sh

MAKE = sh(WRITE, outputs=("out",), cache=True)
USE = sh(READ, inputs={"x": ("make", "out")}, cache=True)


def test_rehearse_again_unchanged_is_answered_from_the_first(tmp_path: Path) -> None:
    first = run(tmp_path, job({"make": MAKE, "use": USE}))
    second = run(tmp_path, job({"make": MAKE, "use": USE}))
    assert states(second) == {"make": "cached", "use": "cached"}
    assert second.records["make"].artifacts == first.records["make"].artifacts
    assert second.records["make"].cached_from == first.id


def test_rehearse_changed_script_is_executed_and_so_is_what_follows(tmp_path: Path) -> None:
    run(tmp_path, job({"make": MAKE, "use": USE}))
    changed = job({"make": sh(f"{WRITE}; true", outputs=("out",), cache=True), "use": USE})
    assert states(run(tmp_path, changed)) == {"make": "succeeded", "use": "succeeded"}


@pytest.mark.parametrize("change", ["image", "parameter"])
def test_rehearse_other_image_or_parameter_is_executed(tmp_path: Path, change: str) -> None:
    def tiny(value: str, image: str) -> dict[str, object]:
        task = sh(
            WRITE,
            outputs=("out",),
            cache=True,
            parameters={"p": {"runtimeValue": {"constant": value}}},
        )
        return {"make": {**task, "executor": {"container": {"image": image, "command": ["sh", "-ec", WRITE]}}}}

    run(tmp_path, job(tiny("1", "a")))
    assert states(run(tmp_path, job(tiny("1", "a")))) == {"make": "cached"}
    other = tiny("1", "b") if change == "image" else tiny("2", "a")
    assert states(run(tmp_path, job(other))) == {"make": "succeeded"}


def test_rehearse_drivers_fingerprint_is_part_of_the_key(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_text("1")
    told = json.dumps({"parameterValues": {"input_fingerprint": f"'$(cat {data})'"}})
    driver = f"mkdir -p $(dirname {OUT}); printf '%s' '{told}' > $(dirname {OUT})/executor_output.json"
    compiled = job({"gen": sh(WRITE, outputs=("out",), cache=True, driver=driver)})
    assert states(run(tmp_path, compiled)) == {"gen": "succeeded"}
    assert states(run(tmp_path, compiled)) == {"gen": "cached"}
    data.write_text("2")
    assert states(run(tmp_path, compiled)) == {"gen": "succeeded"}


def test_rehearse_without_caching_or_where_the_job_has_none_executes(tmp_path: Path) -> None:
    run(tmp_path, job({"make": MAKE}))
    assert states(run(tmp_path, job({"make": MAKE}), caching=False)) == {"make": "succeeded"}
    uncached = job({"make": sh(WRITE, outputs=("out",))})
    assert states(run(tmp_path, uncached)) == {"make": "succeeded"}


def test_rehearse_failed_task_is_not_answered_with_its_failure(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    compiled = job({"make": sh(f"{WRITE}; [ -e {flag} ]", outputs=("out",), cache=True)})
    assert states(run(tmp_path, compiled)) == {"make": "failed"}
    flag.touch()
    assert states(run(tmp_path, compiled)) == {"make": "succeeded"}


def test_rehearse_outputs_that_are_gone_are_made_again(tmp_path: Path) -> None:
    first = run(tmp_path, job({"make": MAKE}))
    shutil.rmtree(first.buckets.local(first.records["make"].artifacts["out"][0].uri))
    assert states(run(tmp_path, job({"make": MAKE}))) == {"make": "succeeded"}


def test_rehearse_fresh_forgets_what_was_before(tmp_path: Path) -> None:
    first = run(tmp_path, job({"make": MAKE}))
    assert states(run(tmp_path, job({"make": MAKE}), fresh=True)) == {"make": "succeeded"}
    assert not first.folder.exists() or first.id == sorted(p.name for p in (tmp_path / "runs").iterdir())[0]
