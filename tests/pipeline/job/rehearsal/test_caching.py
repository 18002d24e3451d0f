"""Which task is answered from an earlier rehearsal: Vertex's key is image, command, arguments and inputs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from common.errors import JobError
from pipeline.job.compiled import parse_job
from pipeline.job.rehearsal.process import Processes
from tests.pipeline.job.rehearsal.test_scheduler import OUT, READ, WRITE, run, states
from tests.pipeline.job.tiny import job, sh

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
    def tiny(value: str, image: str) -> dict[str, dict[str, Any]]:
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
    output = json.dumps({"parameterValues": {"input_fingerprint": f"'$(cat {data})'"}})
    driver = f"mkdir -p $(dirname {OUT}); printf '%s' '{output}' > $(dirname {OUT})/executor_output.json"
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
    second = run(tmp_path, job({"make": MAKE}), fresh=True)
    assert states(second) == {"make": "succeeded"}
    assert list((tmp_path / "runs").iterdir()) == [second.folder]
    made = first.records["make"].artifacts["out"][0].uri
    assert made == second.records["make"].artifacts["out"][0].uri or not Path(first.buckets.local(made)).exists()


def test_rehearse_fresh_of_a_job_that_is_wrong_deletes_nothing(tmp_path: Path) -> None:
    first = run(tmp_path, job({"make": MAKE}))
    with pytest.raises(JobError, match="needs 'none'"):
        run(tmp_path, job({"make": sh("", after=("none",))}), fresh=True)
    assert first.folder.exists()


def test_rehearse_task_that_writes_metadata_alone_is_cached(tmp_path: Path) -> None:
    compiled = job({"tell": sh("true", outputs=("out",), cache=True)})
    run(tmp_path, compiled)
    assert states(run(tmp_path, compiled)) == {"tell": "cached"}


def test_rehearse_cache_is_the_pipelines_own(tmp_path: Path) -> None:
    run(tmp_path, job({"make": MAKE}))
    document = job({"make": MAKE}).document
    document["pipelineSpec"]["pipelineInfo"]["name"] = "another"
    assert states(run(tmp_path, parse_job(document, "another.json"))) == {"make": "succeeded"}


def test_rehearse_what_the_driver_says_of_an_artifact_reaches_the_executor_and_stays(tmp_path: Path) -> None:
    output = json.dumps({"artifacts": {"out": {"artifacts": [{"metadata": {"span": 7}}]}}})
    driver = f"mkdir -p $(dirname {OUT}); printf '%s' '{output}' > $(dirname {OUT})/executor_output.json"
    script = "echo span={{$.outputs.artifacts['out'].metadata['span']}}"
    outcome = run(tmp_path, job({"gen": sh(script, outputs=("out",), driver=driver)}))
    assert (outcome.folder / "tasks" / "gen" / "log.txt").read_text().endswith("span=7.0\n")
    assert outcome.records["gen"].artifacts["out"][0].metadata == {"span": 7.0}


def test_rehearse_further_attempt_begins_as_the_first_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Processes, "pause", lambda processes, seconds: None)
    seen = tmp_path / "seen"
    output = json.dumps({"parameterValues": {"p": "resolved"}})
    driver = (
        f"echo {{{{$.inputs.parameters['p']}}}} >> {seen}; mkdir -p $(dirname {OUT}); "
        f"printf '%s' '{output}' > $(dirname {OUT})/executor_output.json"
    )
    task = sh(
        "exit 1", outputs=("out",), driver=driver, retries=1, parameters={"p": {"runtimeValue": {"constant": "asked"}}}
    )
    run(tmp_path, job({"gen": task}))
    assert seen.read_text().splitlines() == ["asked", "asked"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run": 1}'])
def test_rehearse_damaged_record_is_passed_over_and_reported(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = run(tmp_path, job({"make": MAKE}))
    (first.folder / "records" / "make.json").write_text(content)
    assert states(run(tmp_path, job({"make": MAKE}))) == {"make": "succeeded"}
    assert f"1 record(s) of rehearsals cannot be used: {first.folder}/records/make.json" in caplog.text


def test_rehearse_home_with_signs_of_other_scripts_is_kept_out_of_the_records(tmp_path: Path) -> None:
    home = tmp_path / "zu Hause, été"
    home.mkdir()
    output = json.dumps({"artifacts": {"out": {"artifacts": [{"uri": OUT}]}}})
    script = f"{WRITE.replace(OUT, chr(34) + OUT + chr(34))}; "
    script += f"printf '%s' '{output}' > \"$(dirname \"{OUT}\")\"/executor_output.json"
    outcome = run(home, job({"make": sh(script, outputs=("out",))}))
    assert outcome.records["make"].artifacts["out"][0].uri.startswith("gs://bucket/root/")
