"""What runs, in which order, and what becomes of the rest when something does not."""

import errno
import fcntl
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from common.errors import LockedError, OutputError
from pipeline.job.compiled import FAIL_FAST, CompiledJob, parse_job
from pipeline.job.rehearsal.process import Processes
from pipeline.job.rehearsal.rehearse import RehearsalOutcome, rehearse
from tests.pipeline.job.tiny import job, sh, write

OUT = "{{$.outputs.artifacts['out'].uri}}"
WRITE = f"mkdir -p {OUT}; echo $$ > {OUT}/pid"
# Bounded, so that what is never there fails the task.
WAIT = "n=0; until [ -e {} ]; do n=$((n + 1)); [ $n -lt 2000 ]; sleep 0.01; done"
WAIT_FOR_BAD = WAIT.format("$HOME/../../../records/bad.json")
READ = "cat {{$.inputs.artifacts['x'].uri}}/pid"


def run(home: Path, compiled: CompiledJob, **more: Any) -> RehearsalOutcome:
    with (home / "shown.txt").open("a") as shown:
        return rehearse(compiled, home, environment={}, console=Console(file=shown, width=200), **more)


def states(outcome: RehearsalOutcome) -> dict[str, str]:
    return {task: record.state for task, record in outcome.records.items()}


def test_rehearse_tasks_run_after_those_they_need_in_processes_of_their_own(tmp_path: Path) -> None:
    chain = {
        "c": sh(READ.replace("'x'", "'y'") + "; " + READ, inputs={"x": ("a", "out"), "y": ("b", "out")}),
        "b": sh(f"{READ} >&2; {WRITE}", inputs={"x": ("a", "out")}, outputs=("out",)),
        "a": sh(WRITE, outputs=("out",)),
    }
    outcome = run(tmp_path, job(chain), parallel=2)
    assert states(outcome) == {"a": "succeeded", "b": "succeeded", "c": "succeeded"}
    log = (outcome.folder / "tasks" / "c" / "log.txt").read_text().splitlines()
    pids = [line for line in log if line.isdigit()]
    assert len(set(pids)) == 2, log


def test_rehearse_independent_tasks_run_side_by_side(tmp_path: Path) -> None:
    # Each waits for the other: one after the other they would never end.
    pair = {
        me: sh(f"touch $HOME/../../{me}.here; " + WAIT.format(f"$HOME/../../{other}.here"))
        for me, other in (("a", "b"), ("b", "a"))
    }
    assert states(run(tmp_path, job(pair), parallel=2)) == {"a": "succeeded", "b": "succeeded"}


def test_rehearse_process_has_only_the_images_environment_and_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_SECRET", "s3cret")
    with (tmp_path / "shown.txt").open("w") as shown:
        outcome = rehearse(
            job({"a": sh("env; echo entries: $(ls -A | wc -l); pwd")}),
            tmp_path,
            environment={"OF_THE_IMAGE": "yes"},
            console=Console(file=shown),
        )
    log = (outcome.folder / "tasks" / "a" / "log.txt").read_text()
    names = {line.split("=")[0] for line in log.splitlines() if "=" in line}
    assert names <= {"OF_THE_IMAGE", "PATH", "HOME", "TMPDIR", "PWD", "SHLVL", "_", "OLDPWD"}
    assert "s3cret" not in log
    assert "entries: 0" in log


def test_rehearse_failed_task_stops_those_that_need_it_and_no_others(tmp_path: Path) -> None:
    tasks = {
        "bad": sh("echo broken >&2; exit 3", outputs=("out",)),
        "after_bad": sh("true", inputs={"x": ("bad", "out")}),
        "after_that": sh("true", after=("after_bad",)),
        "slow": sh(WAIT_FOR_BAD),
        "after_slow": sh("true", after=("slow",)),
    }
    outcome = run(tmp_path, job(tasks), parallel=2)
    assert states(outcome) == {
        "bad": "failed",
        "after_bad": "not run",
        "after_that": "not run",
        "slow": "succeeded",
        "after_slow": "succeeded",
    }
    assert "ended with status 3" in outcome.records["bad"].reason
    assert outcome.records["after_that"].reason == "after_bad was not run"
    assert "broken" in (tmp_path / "shown.txt").read_text()


def test_rehearse_failing_fast_starts_no_further_task(tmp_path: Path) -> None:
    tasks = {"bad": sh("exit 1"), "slow": sh(WAIT_FOR_BAD), "after_slow": sh("true", after=("slow",))}
    compiled = job(tasks, runtime={"failurePolicy": FAIL_FAST})
    outcome = run(tmp_path, compiled, parallel=2)
    assert states(outcome) == {"bad": "failed", "slow": "succeeded", "after_slow": "not run"}


def test_rehearse_failing_fast_starts_none_of_those_that_wait_for_a_free_place(tmp_path: Path) -> None:
    compiled = job({"a": sh("exit 1"), "b": sh("true"), "c": sh("true")}, runtime={"failurePolicy": FAIL_FAST})
    assert states(run(tmp_path, compiled, parallel=1)) == {"a": "failed", "b": "not run", "c": "not run"}


def test_rehearse_failed_task_is_tried_again_as_often_as_its_policy_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(
        Processes, "pause", lambda processes, seconds: pauses.append(seconds)
    )  # the policy's pauses are 10 s and longer
    third = f"n=$(ls {OUT} 2>/dev/null | wc -l); mkdir -p {OUT}; touch {OUT}/$n; [ $n -ge 2 ]"
    outcome = run(tmp_path, job({"a": sh(third, outputs=("out",), retries=4)}))
    assert states(outcome) == {"a": "succeeded"}
    assert outcome.records["a"].attempts == 3
    assert pauses == [10.0, 15.0]  # 20 would be over the policy's longest


def test_rehearse_condition_that_does_not_hold_skips_the_task_and_what_follows(tmp_path: Path) -> None:
    output = json.dumps({"artifacts": {"out": {"artifacts": [{"uri": OUT, "metadata": {"blessed": 0}}]}}})
    tasks = {
        "judge": sh(f"printf '%s' '{output}' > $(dirname {OUT})/executor_output.json", outputs=("out",)),
        "push": sh(
            "exit 1",
            inputs={"x": ("judge", "out")},
            condition="inputs.artifacts['x'].artifacts[0].metadata['blessed'] == 1.0",
        ),
        "refuse": sh(
            "true",
            inputs={"x": ("judge", "out")},
            condition="!(inputs.artifacts['x'].artifacts[0].metadata['blessed'] == 1.0)",
        ),
        "after_push": sh("exit 1", after=("push",)),
    }
    outcome = run(tmp_path, job(tasks))
    assert states(outcome) == {"judge": "succeeded", "push": "skipped", "refuse": "succeeded", "after_push": "skipped"}
    assert "metadata['blessed'] == 1.0" in outcome.records["push"].reason


def test_rehearse_exit_handler_runs_after_a_failure_and_reads_its_state(tmp_path: Path) -> None:
    tell = "cat <<'END'\n{{$.inputs.parameters['final_status']}}\nEND\n"
    handler = sh(
        tell,
        after=("inner",),
        strategy="ALL_UPSTREAM_TASKS_COMPLETED",
        parameters={"final_status": {"taskFinalStatus": {"producerTask": "inner"}}},
    )
    bad = sh("exit 1")
    compiled = job({"handler": handler, "bad": bad})
    document = compiled.document
    tasks = document["pipelineSpec"]["root"]["dag"]["tasks"]
    document["pipelineSpec"]["components"]["inner"] = {"dag": {"tasks": {"bad": tasks.pop("bad")}}}
    tasks["inner"] = {"taskInfo": {"name": "inner"}, "componentRef": {"name": "inner"}}
    outcome = run(tmp_path, parse_job(document, "tiny.json"))
    assert states(outcome) == {"inner/bad": "failed", "inner": "failed", "handler": "succeeded"}
    log = (outcome.folder / "tasks" / "handler" / "log.txt").read_text()
    output = json.loads(log.splitlines()[-1])
    assert output["state"] == "FAILED" and "ended with status 1" in output["error"]["message"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_rehearse_ended_by_a_signal_leaves_no_process_and_no_record(tmp_path: Path, number: int) -> None:
    # A task that ends well when it is asked to: half its output must not be believed later.
    pid = tmp_path / "pid"
    script = f"mkdir -p {OUT}; trap 'exit 0' TERM; echo $$ > {pid}.tmp; mv {pid}.tmp {pid}; sleep 600 & wait"
    task = sh(script, outputs=("out",), cache=True)
    write(tmp_path / "tiny.json", job({"a": task}))
    code = (
        # Whoever runs the tests may ignore it, as a shell lets what it starts in the background do.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from pathlib import Path; from pipeline.job.compiled import read_job; "
        "from pipeline.job.rehearsal.rehearse import rehearse; "
        f"rehearse(read_job('{tmp_path}/tiny.json'), Path('{tmp_path}/home'))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as one:
        wait_until(pid.exists)
        one.send_signal(number)
        assert one.wait(60) != 0
    state = Path(f"/proc/{pid.read_text().strip()}/stat")
    wait_until(lambda: not state.exists() or state.read_text().split()[2] == "Z")
    assert list((tmp_path / "home").glob("runs/*/records/*")) == []


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_rehearse_second_rehearsal_in_the_same_home_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(LockedError, match="another rehearsal"):
            run(tmp_path, job({"a": sh("true")}))


def test_rehearse_program_that_is_not_there_fails_its_task_alone_and_says_so(tmp_path: Path) -> None:
    missing = {**sh(""), "executor": {"container": {"command": ["no-such-program"], "image": "i"}}}
    outcome = run(tmp_path, job({"a": missing, "b": sh("true")}))
    assert states(outcome) == {"a": "failed", "b": "succeeded"}
    assert "'no-such-program' cannot be started (No such file or directory)" in outcome.records["a"].reason


def test_rehearse_argument_longer_than_the_kernel_takes_fails_its_task_and_says_how_long(tmp_path: Path) -> None:
    long = {"p": {"runtimeValue": {"constant": "x" * 200_000}}}
    outcome = run(tmp_path, job({"a": sh("echo {{$.inputs.parameters['p']}}", parameters=long)}))
    assert "Argument list too long" in outcome.records["a"].reason
    assert "200005 characters" in outcome.records["a"].reason


def test_rehearse_containers_variables_are_set(tmp_path: Path) -> None:
    container = {
        "image": "i",
        "command": ["sh", "-ec", "echo $WHO in $WHERE"],
        "env": [{"name": "WHO", "value": "me"}, {"name": "WHERE", "value": "{{$.pipeline_task_name}}"}],
    }
    outcome = run(tmp_path, job({"a": {**sh(""), "executor": {"container": container}}}))
    assert (outcome.folder / "tasks" / "a" / "log.txt").read_text().endswith("me in a\n")


def test_rehearse_temporary_files_of_a_task_are_its_own_and_gone_after_it(tmp_path: Path) -> None:
    outcome = run(tmp_path, job({"a": sh("mktemp"), "b": sh("mktemp")}))
    folders = {
        Path((outcome.folder / "tasks" / task / "log.txt").read_text().splitlines()[-1]).parent for task in ("a", "b")
    }
    assert len(folders) == 2
    assert not any(folder.exists() for folder in folders)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("file", "script"),
    [
        ("runs", "true"),
        ("buckets", "true"),
        (None, "touch $HOME/../../../records"),  # where this task's record belongs
        (None, "touch $HOME/../../b"),  # where the next task's folder belongs
    ],
)
def test_rehearse_folder_that_cannot_be_written_is_reported(tmp_path: Path, file: str | None, script: str) -> None:
    if file is not None:
        (tmp_path / file).write_text("no folder")
    tasks = {"a": sh(script, outputs=("out",)), "b": sh("true", after=("a",))}
    with pytest.raises(
        OutputError, match=rf"^{tmp_path}.*: .*(cannot|could not) be .*Free disk space, make the folder writable"
    ):
        run(tmp_path, job(tasks))


@pytest.mark.fault
def test_rehearse_lock_that_the_disk_does_not_have_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OutputError, match=r"lock: cannot be locked \(No locks available\)"):
        run(tmp_path, job({"a": sh("true")}))
