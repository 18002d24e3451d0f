"""Tasks in forks of a process that has imported the libraries: the same as processes that are started as programs.

`tfx` and the libraries are small modules here, since what is looked at is the process.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from common.errors import JobError
from pipeline.job.rehearsal import process as process_module
from pipeline.job.rehearsal.process import Processes

LIBRARIES = (
    *("tensorflow", "apache_beam", "tensorflow_recommenders", "tensorflow_transform", "matplotlib", "pyarrow"),
    *("scipy", "jinja2", "pydantic", "yaml"),
)

TELL = """
import atexit, json, os, random, signal, sys, tempfile
import tensorflow
atexit.register(print, "end")
print(json.dumps({
    "argv": sys.argv,
    "name": __name__,
    "spec": __spec__.name,
    "main": sys.modules["__main__"].__dict__ is globals(),
    "path": sys.path,
    "cwd": os.getcwd(),
    "environment": dict(os.environ),
    "temporary": tempfile.gettempdir(),
    "stdin": sys.stdin.read(),
    "unbuffered": sys.stdout.write_through,
    "files": sorted(set(os.listdir("/proc/self/fd"))),
    "leads its session": os.getsid(0) == os.getpgrp() == os.getpid(),
    "signals": {str(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
    "flags": str(sys.flags),
    "modules": [name for name in ("pipeline", "common", "configs", "transforms", "trainer") if name in sys.modules],
    "pid": os.getpid(),
    "imported by": tensorflow.pid,
}))
"""


class Place:
    """Modules that stand for libraries, and the processes that import them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log.txt"
        for name in LIBRARIES:
            (folder / "modules" / name).mkdir(parents=True)
            (folder / "modules" / name / "__init__.py").write_text("import os\npid = os.getpid()\n")
        (folder / "modules" / "tfx").mkdir()
        (folder / "modules" / "tfx" / "__init__.py").write_text("")
        variables = {"PYTHONPATH": str(folder / "modules"), "PYTHONUNBUFFERED": "1"}
        self.processes = Processes(variables)

    def run(self, text: str, *arguments: str, variables: dict[str, str] | None = None) -> int:
        """Runs a module of `tfx`; what it says is in `said`."""
        (self.folder / "modules" / "tfx" / "task.py").write_text(text)
        self.log.unlink(missing_ok=True)
        command = ["python", "-m", "tfx.task", *arguments]
        return self.processes.run(command, self.folder / "work", self.log, variables or {})

    @property
    def said(self) -> str:
        return self.log.read_text()

    def report(self, *arguments: str, variables: dict[str, str] | None = None) -> dict[str, Any]:
        assert self.run(TELL, *arguments, variables=variables) == 0, self.said
        line, end = self.said.splitlines()
        assert end == "end"
        return dict(json.loads(line))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    with place.processes:
        yield place


def test_forked_task_sees_what_a_program_sees(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    forked = place.report("--flag", "ä b")
    assert forked.pop("imported by") != forked["pid"]
    monkeypatch.setattr(process_module, "can_fork", lambda command, variables: False)
    program = place.report("--flag", "ä b")
    assert program.pop("imported by") == program["pid"]
    for report in (forked, program):
        assert report.pop("pid") > 0
        assert report.pop("temporary") == report["environment"].pop("TMPDIR")
        assert report["modules"] == []
        # An interpreter that is started sets this by itself where the locale is C.
        report["environment"].pop("LC_CTYPE", None)
    assert forked == program


def test_libraries_are_imported_once_and_each_task_is_a_process_of_its_own(place: Place) -> None:
    first, second = place.report(), place.report()
    assert first["imported by"] == second["imported by"]
    assert len({first["pid"], second["pid"], first["imported by"], os.getpid()}) == 4
    assert first["environment"]["TMPDIR"] != second["environment"]["TMPDIR"]


def test_task_that_has_variables_of_its_own_is_started_as_a_program(place: Place) -> None:
    report = place.report(variables={"TF_USE_LEGACY_KERAS": "0"})
    assert report["imported by"] == report["pid"]
    assert report["environment"]["TF_USE_LEGACY_KERAS"] == "0"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("print('done')", 0, "done\n"),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('wrong')", 1, "wrong\n"),
        ("import os; os._exit(5)", 5, ""),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL, ""),
        ("import threading; threading.Timer(0.1, print, ['last']).start()", 0, "last\n"),
    ],
)
def test_task_ends_as_a_program_does(place: Place, text: str, status: int, said: str) -> None:
    assert place.run(text) == status
    assert place.said == said


def test_task_that_raises_has_a_traceback_in_its_log_and_status_1(place: Place) -> None:
    assert place.run("raise ValueError('bad row')") == 1
    assert "task.py" in place.said
    assert place.said.endswith("ValueError: bad row\n")


def test_numbers_drawn_at_random_differ_from_task_to_task(place: Place) -> None:
    (place.folder / "modules" / "tensorflow" / "__init__.py").write_text("import numpy\npid = 0\n")
    text = "import random, numpy; print(random.random(), numpy.random.random())"
    drawn = []
    for _ in range(2):
        assert place.run(text) == 0
        drawn.append(place.said.split())
    assert not set(drawn[0]) & set(drawn[1])


def test_process_that_a_task_leaves_behind_ends_with_it(place: Place) -> None:
    assert place.run("import subprocess; print(subprocess.Popen(['sleep', '600']).pid)") == 0
    left = Path("/proc") / place.said.strip() / "stat"
    _wait_until(lambda: _has_ended(left))


def test_stop_asks_a_task_to_end(place: Place) -> None:
    text = "import signal, time; signal.signal(15, lambda *_: (print('asked'), exit(0))); print('up'); time.sleep(600)"
    ended: list[int] = []
    runner = threading.Thread(target=lambda: ended.append(place.run(text)))
    runner.start()
    _wait_until(lambda: place.log.exists() and "up" in place.said)
    place.processes.stop()
    runner.join(30)
    assert ended == [-signal.SIGTERM]
    assert place.said == "up\nasked\n"
    assert place.run("print('started')") == -signal.SIGTERM
    assert not place.log.read_text()


def test_stop_while_libraries_are_imported_waits_for_nothing(place: Place) -> None:
    mark = place.folder / "importing"
    slow = f"import pathlib, time\npathlib.Path({str(mark)!r}).write_text('up')\ntime.sleep(600)\n"
    (place.folder / "modules" / "tensorflow" / "__init__.py").write_text(slow)
    ended: list[int] = []
    runner = threading.Thread(target=lambda: ended.append(place.run("print('started')")))
    runner.start()
    _wait_until(mark.exists)
    place.processes.stop()
    runner.join(30)
    assert ended == [-signal.SIGTERM]


def test_libraries_that_end_the_process_leave_tasks_to_be_started_as_programs(place: Place) -> None:
    (place.folder / "modules" / "tensorflow" / "__init__.py").write_text("raise SystemExit('no AVX here')")
    assert place.run("print('started'); import tensorflow") == 1
    assert place.said == "started\nno AVX here\n"


def test_library_that_is_not_installed_is_missed_by_the_task_that_needs_it(place: Place) -> None:
    (place.folder / "modules" / "tensorflow" / "__init__.py").write_text("raise ImportError('no TensorFlow here')")
    assert place.run("print('started')") == 0
    assert place.run("import tensorflow") == 1
    assert place.said.endswith("ImportError: no TensorFlow here\n")


def test_server_killed_under_a_task_is_an_error_and_the_next_task_is_a_program(place: Place) -> None:
    errors: list[JobError] = []

    def run() -> None:
        try:
            place.run("import os, time; print(os.getpid(), os.getppid()); time.sleep(600)")
        except JobError as e:
            errors.append(e)

    runner = threading.Thread(target=run)
    runner.start()
    _wait_until(lambda: bool(place.processes._running) and place.log.exists() and place.said.endswith("\n"))
    task, server = place.said.split()
    os.kill(int(server), signal.SIGKILL)
    runner.join(30)
    assert "was killed" in str(errors[0])
    _wait_until(lambda: _has_ended(Path("/proc") / task / "stat"))
    report = place.report()
    assert report["imported by"] == report["pid"]


def test_server_gone_before_it_is_noticed_is_the_same_error(place: Place) -> None:
    place.processes.prepare_forks()
    server = place.processes._server
    assert server is not None
    assert server.is_ready()
    os.kill(server._forks.pid, signal.SIGSTOP)  # so that it is not noticed
    server._forks._channel.shutdown(socket.SHUT_WR)
    with pytest.raises(JobError, match="has ended; run the rehearsal again"):
        place.run("print('started')")
    assert server._forks.asked_for == []


def test_stop_before_the_server_has_said_which_process_it_forked_ends_that_process(place: Place) -> None:
    """The task already runs, and only the server knows its process id."""
    # The server waits until numpy has new random numbers: here it is paused before that.
    numpy = place.folder / "modules" / "numpy"
    (numpy / "random").mkdir(parents=True)
    (numpy / "__init__.py").write_text("from . import random\n")
    pause = "    os.kill(os.getppid(), 19)\n    os.write(1, b'%d %d' % (os.getpid(), os.getppid()))\n"
    (numpy / "random" / "__init__.py").write_text(f"import os\ndef seed():\n{pause}")
    (place.folder / "modules" / "tensorflow" / "__init__.py").write_text("import numpy\n")
    ended: list[int] = []
    runner = threading.Thread(target=lambda: ended.append(place.run("import time; time.sleep(600)")))
    runner.start()
    _wait_until(lambda: place.log.exists() and " " in place.said)
    task, server = place.said.split()
    stopping = threading.Thread(target=place.processes.stop)
    stopping.start()
    _wait_until(lambda: place.processes.stopped)
    os.kill(int(server), signal.SIGCONT)
    for thread in (stopping, runner):
        thread.join(30)
    assert ended == [-signal.SIGTERM]
    assert _has_ended(Path("/proc") / task / "stat")


def test_stop_while_the_server_does_not_fork_waits_for_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "_GRACE_SECONDS", 0.2)
    place.processes.prepare_forks()
    server = place.processes._server
    assert server is not None
    assert server.is_ready()
    os.kill(server._forks.pid, signal.SIGSTOP)
    errors: list[JobError] = []

    def run() -> None:
        try:
            place.run("print('started')")
        except JobError as e:
            errors.append(e)

    runner = threading.Thread(target=run, daemon=True)
    runner.start()
    _wait_until(lambda: bool(server._forks.asked_for))
    stopping = threading.Thread(target=place.processes.stop, daemon=True)
    stopping.start()
    for thread in (stopping, runner):
        thread.join(30)
    try:
        assert not stopping.is_alive()
        assert not runner.is_alive()
        assert len(errors) == 1
    finally:
        server._forks.kill()  # else a failed test would wait for it


def test_stop_while_a_process_starts_ends_the_process(place: Place) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen(["sleep", "600"], start_new_session=True))
        stopping = threading.Thread(target=place.processes.stop)
        stopping.start()
        stopping.join(10)
        return started[0]

    assert place.processes._started(start) is None
    assert started[0].returncode == -signal.SIGTERM


@pytest.mark.parametrize("argument", ["x" * (1 << 17), "a\0b"])
def test_argument_that_no_container_takes_is_refused_as_ever(place: Place, argument: str) -> None:
    with pytest.raises(JobError, match="cannot be started"):
        place.run("print('started')", argument)


def test_server_ends_by_itself_when_the_rehearsal_is_killed(place: Place) -> None:
    task = "import os, tensorflow; print(tensorflow.pid, flush=True)"
    (place.folder / "modules" / "tfx" / "task.py").write_text(task)
    program = f"""
import os
from pathlib import Path
from pipeline.job.rehearsal.process import Processes
folder = Path({str(place.folder)!r})
processes = Processes({{"PYTHONPATH": str(folder / "modules")}})
processes.run(["python", "-m", "tfx.task"], folder / "work", folder / "log.txt", {{}})
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", program], check=False)
    assert killed.returncode == -signal.SIGKILL
    server = Path("/proc") / place.said.strip() / "stat"
    _wait_until(lambda: _has_ended(server))


def _has_ended(status: Path) -> bool:
    try:
        return status.read_text().split()[2] == "Z"  # whoever adopts it may be slow to notice
    except (FileNotFoundError, ProcessLookupError):
        return True


def _wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            return
        time.sleep(0.01)
    pytest.fail("it is still not so")
