"""One rehearsal, from a compiled job to its records."""

import contextlib
import fcntl
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from rich.console import Console

from configs.errors import JobError, LockedError, OutputError
from pipeline.vertex.job import Job
from pipeline.vertex.rehearsal.buckets import Buckets
from pipeline.vertex.rehearsal.execution import Rehearsal
from pipeline.vertex.rehearsal.process import Processes
from pipeline.vertex.rehearsal.records import Record, Records, write_json
from pipeline.vertex.rehearsal.scheduler import Scheduler
from pipeline.vertex.rehearsal.showing import Showing

RUNS_DIR, BUCKETS_DIR, JOB_FILE = "runs", "buckets", "job.json"
_LOCK_FILE = "lock"


@dataclass(frozen=True)
class Outcome:
    """How a rehearsal ended."""

    id: str
    records: dict[str, Record]
    """Of every task, by its path."""

    buckets: Buckets
    """Where what it wrote is."""

    folder: Path
    """Its logs, inputs and outputs."""

    @property
    def failed(self) -> list[Record]:
        """Tasks that failed."""
        return [record for record in self.records.values() if record.state == "failed"]


def rehearse(
    job: Job,
    home: Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    places: Mapping[str, Path] | None = None,
    parallel: int = 1,
    caching: bool = True,
    fresh: bool = False,
    fail_fast: bool = False,
    environment: Mapping[str, str] | None = None,
    console: Console | None = None,
) -> Outcome:
    """Executes a job here.

    Args:
        job: The compiled job.
        home: The folder of all rehearsals of this pipeline: records, logs, and the folders that stand for buckets.
        parameters: Values of its RuntimeParameters, over those in the job.
        places: Folders of buckets, `gs://…`, that folders of this machine stand for.
        parallel: How many tasks may run at once.
        caching: Whether tasks may be answered from earlier rehearsals, where the job allows it.
        fresh: Whether to forget all earlier rehearsals first, with what they wrote.
        fail_fast: Whether to start no further task after one has failed.
        environment: Variables of the image; None for those of `images/pipeline`.
        console: Where to show progress. None: standard output.

    Returns:
        How it ended, also where tasks failed.

    Raises:
        JobError: The job itself is wrong.
        LockedError: Another rehearsal is at work there.
        OutputError: The folder cannot be written.
    """
    values = job.parameter_values(parameters or {})
    console = console or Console()
    with _locked(home):
        if fresh:
            for name in (RUNS_DIR, BUCKETS_DIR):
                shutil.rmtree(home / name, ignore_errors=True)
        buckets = Buckets(home / BUCKETS_DIR)
        buckets.link(places or {})
        run_id, folder = _new_run(home / RUNS_DIR, job.name)
        write_json(folder / JOB_FILE, job.document)
        records = Records(home / RUNS_DIR)
        rehearsal = Rehearsal(run_id, job, buckets, records, Processes(environment), caching)
        with Showing(console, rehearsal, folder) as showing:
            ended = Scheduler(
                rehearsal, values, parallel, fail_fast=fail_fast, started=showing.started, ended=showing.ended
            ).run()
        outcome = Outcome(run_id, ended, buckets, folder)
        showing.summary(outcome.records)
        return outcome


def _new_run(runs_dir: Path, name: str) -> tuple[str, Path]:
    """Id and folder of a new rehearsal: the id is as Vertex makes it, the pipeline's name and the time."""
    moment = datetime.now(timezone.utc)
    for further in range(100):
        run_id = f"{name}-{moment:%Y%m%d%H%M%S}" + (f"-{further}" if further else "")
        with contextlib.suppress(FileExistsError):
            (runs_dir / run_id).mkdir(parents=True)
            return run_id, runs_dir / run_id
    raise JobError(f"{runs_dir}: no free name for a rehearsal at {moment}.")


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[IO[str]]:
    path = home / _LOCK_FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as e:
        raise OutputError(f"{path}: cannot be written ({e.strerror}). Free or unlock its disk and run again.") from e
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise LockedError(f"{home}: another rehearsal is at work there. Wait for it, or stop it.") from e
        yield file
