"""What the tasks of one rehearsal share, and how each one's end is written down."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.job.compiled import CompiledJob
from pipeline.job.rehearsal.buckets import Buckets
from pipeline.job.rehearsal.graph import TaskNode
from pipeline.job.rehearsal.inputs import artifact_name
from pipeline.job.rehearsal.process import Processes
from pipeline.job.rehearsal.records import Record, Records

LOG_FILE = "log.txt"
_TAIL_LINES, _TAIL_BYTES = 30, 16 * 1024
_PROJECT = "rehearsal"
"""In places that on Vertex hold the project's number."""


@dataclass(frozen=True)
class Rehearsal:
    """What all tasks of one rehearsal share."""

    id: str
    job: CompiledJob
    root: str
    """The place of all artifacts, `gs://…`."""

    buckets: Buckets
    records: Records
    processes: Processes
    caching: bool
    """Whether a task may be answered from an earlier rehearsal, where the job allows it."""

    @property
    def legacy(self) -> bool:
        """Whether the job's schema version is before 2.1, in which parameters have another shape."""
        return self.job.spec.schema_version.startswith("2.0")

    @property
    def resource_name(self) -> str:
        """The job's, as far as there is one."""
        return f"projects/{_PROJECT}/locations/local/pipelineJobs/{self.id}"

    def task_root(self, path: str) -> str:
        """Where a task writes, as Vertex lays it out: `<root>/<project number>/<job>/<task>_<id>`."""
        number = artifact_name(f"{self.id}/{path}").rsplit("/", 1)[1]
        return f"{self.root.rstrip('/')}/{_PROJECT}/{self.id}/{path.replace('/', '_')}_{number}"

    def constants(self, path: str) -> dict[str, str]:
        """Placeholders that stand for something about the task or the job."""
        return {
            "pipeline_job_name": self.id,
            "pipeline_job_resource_name": self.resource_name,
            "pipeline_job_uuid": self.id,
            "pipeline_task_name": path.rsplit("/", 1)[-1],
            "pipeline_task_uuid": self.task_root(path).rsplit("_", 1)[1],
            "pipeline_root": self.root,
        }


def record_of(rehearsal: Rehearsal, node: TaskNode, state: str, *, started: float = 0.0, **fields: Any) -> Record:
    """A record of a task that ends now.

    Args:
        rehearsal: Everything around it.
        node: The task.
        state: How it ended.
        started: When, seconds since 1970. Default: now.
        **fields: Further ones of `Record`.
    """
    ended = time.time()
    return Record(rehearsal.job.name, rehearsal.id, node.path, state, started=started or ended, ended=ended, **fields)


def log_tail(file: Path) -> str:
    """The last lines of a log."""
    if not file.exists():
        return ""
    with file.open("rb") as log:
        log.seek(max(0, log.seek(0, 2) - _TAIL_BYTES))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:])
