"""Runs one rehearsal, from a compiled job to its records."""

import contextlib
import fcntl
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from common.atomicity import write_json
from common.errors import JobError, LockedError, OutputError
from pipeline.job.compiled import CompiledJob
from pipeline.job.parameters import as_declared, parameter_values
from pipeline.job.rehearsal.buckets import Buckets, check_places, require_place
from pipeline.job.rehearsal.context import Rehearsal
from pipeline.job.rehearsal.graph import Graph
from pipeline.job.rehearsal.process import Processes
from pipeline.job.rehearsal.records import FAILED, RUNS_DIR, Record, Records
from pipeline.job.rehearsal.scheduler import Scheduler
from pipeline.job.rehearsal.showing import Showing

BUCKETS_DIR, JOB_FILE = "buckets", "job.json"
_LOCK_FILE = "lock"
_ROOT = "gs://pipeline-root"
"""The root of a job without one, for which Kubeflow Pipelines' backends would use their own."""

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class RehearsalOutcome:
    """How a rehearsal ended."""

    id: str
    records: dict[str, Record]
    """The record of every task, by its path."""

    buckets: Buckets
    """The folders with everything that the tasks have written."""

    folder: Path
    """The folder with the logs, inputs and outputs of the tasks."""

    @property
    def failed(self) -> list[Record]:
        """Tasks that failed."""
        return [record for record in self.records.values() if record.state == FAILED]

    def output(self, task: str, key: str) -> str:
        """The folder here of the first artifact that a task has made, or reused.

        Args:
            task: The task's path.
            key: The output.
        """
        return self.buckets.local(self.records[task].artifacts[key][0].uri)


def rehearse(
    job: CompiledJob | Callable[[], CompiledJob],
    home: Path,
    *,
    parameters: Sequence[str] = (),
    places: Mapping[str, Path] | None = None,
    parallel: int = 1,
    caching: bool = True,
    fresh: bool = False,
    environment: Mapping[str, str] | None = None,
    console: Console | None = None,
) -> RehearsalOutcome:
    """Executes a job on this machine.

    Args:
        job: The compiled job, or a function that compiles it; meanwhile the fork server imports the tasks' libraries.
        home: The folder of all rehearsals of this pipeline: records, logs, and the folders that replace buckets.
        parameters: Values of its RuntimeParameters, over those in the job, each as `NAME=VALUE`.
        places: Folder of a bucket, `gs://…`, to the folder of this machine that replaces it.
        parallel: How many tasks may run at once.
        caching: Whether tasks may reuse results of earlier rehearsals, if the job allows it.
        fresh: Whether to delete all earlier rehearsals first, with everything that they have written.
        environment: Variables of the image; None for those of `images/pipeline`.
        console: Where to show progress. None: standard output.

    Returns:
        How the rehearsal ended, also if tasks failed.

    Raises:
        JobError: The job itself is wrong.
        LockedError: Another rehearsal is running in this home.
        OutputError: The folder cannot be written.
    """
    home, places, console = home.resolve(), dict(places or {}), console or Console()
    checked = _checked(job, parameters, places) if isinstance(job, CompiledJob) else None  # a wrong job leaves no trace
    with _locked(home) as lock, _ended_by_signals(), Processes(environment, [lock]) as processes:
        if not isinstance(job, CompiledJob):
            processes.prepare_forks()
            job = job()
        graph, values, root = checked or _checked(job, parameters, places)
        if fresh:
            _forget(home)
        buckets = Buckets(home / BUCKETS_DIR)
        buckets.link(places)
        with _writing(home):
            run_id, folder = _new_run(home / RUNS_DIR, job.name)
            write_json(folder / JOB_FILE, job.document)
            records = Records(home / RUNS_DIR, job.name)
            tasks = sum(not node.is_dag for node in graph.nodes.values())
            rehearsal = Rehearsal(run_id, job, root, buckets, records, processes, caching)
            with Showing(console, rehearsal, folder, tasks) as showing:
                scheduler = Scheduler(rehearsal, graph, values, parallel, started=showing.started, ended=showing.ended)
                ended = scheduler.run()
        outcome = RehearsalOutcome(run_id, ended, buckets, folder)
        showing.summary(outcome.records)
        return outcome


def _checked(
    job: CompiledJob, parameters: Sequence[str], places: Mapping[str, Path]
) -> tuple[Graph, dict[str, Any], str]:
    """Checks the job; returns its graph, the values of its RuntimeParameters, and its root."""
    graph, values = Graph(job), _values(job, parameters)
    root = job.pipeline_root or _ROOT
    require_place(root, "it is the job's root; set vertex.pipeline_root")
    check_places(places, root)
    return graph, values, root


def _values(job: CompiledJob, given: Sequence[str]) -> dict[str, Any]:
    """Values of all RuntimeParameters that have one."""
    declared = job.spec.root.input_definitions.parameters
    values = {**job.parameters, **parameter_values(job, given)}
    return {name: as_declared(value, declared[name]) for name, value in values.items() if name in declared}


@contextlib.contextmanager
def _writing(home: Path) -> Iterator[None]:
    """Turns the system's errors into ours; tasks whose folders cannot be written raise them too."""
    try:
        yield
    except BrokenPipeError:  # of the terminal
        raise
    except OSError as e:
        raise OutputError(
            f"{home}: cannot be used for a rehearsal ({e}). Free disk space, make the folder writable, and run again."
        ) from e


def _forget(home: Path) -> None:
    try:
        for name in (RUNS_DIR, BUCKETS_DIR):
            if (home / name).exists():
                shutil.rmtree(home / name)
    except OSError as e:
        raise OutputError(f"{home}: earlier rehearsals could not be deleted ({e}). Delete it and run again.") from e


def _new_run(runs_dir: Path, name: str) -> tuple[str, Path]:
    """Makes the id and the folder of a new rehearsal. As on Vertex, the id is the pipeline's name and the time."""
    moment = datetime.now(timezone.utc)
    for further in range(100):
        run_id = f"{name}-{moment:%Y%m%d%H%M%S}" + (f"-{further}" if further else "")
        with contextlib.suppress(FileExistsError):
            (runs_dir / run_id).mkdir(parents=True)
            return run_id, runs_dir / run_id
    raise JobError(f"{runs_dir}: there is no free name for a rehearsal at {moment}. Run it again in a second.")


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[int]:
    """Locks the home while the block runs; yields the lock's file descriptor."""
    path = home / _LOCK_FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as e:
        raise OutputError(
            f"{path}: cannot be written ({e.strerror}). Free disk space or make the file writable, and run again."
        ) from e
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise LockedError(f"{home}: another rehearsal is in progress there. Wait for it, or stop it.") from e
        except OSError as e:
            raise OutputError(
                f"{path}: cannot be locked ({e.strerror}). Name a folder on a disk that has locks in output_dir."
            ) from e
        yield file.fileno()


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP, by which a CI job or a terminal ends, act like Ctrl-C: the tasks end too."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, end) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
