"""Defines what the tasks of one rehearsal share, and makes the record of a task that ends."""

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
"""Stands in paths where Vertex has the project's number."""


@dataclass(frozen=True)
class Rehearsal:
    """What all tasks of one rehearsal share."""

    id: str
    job: CompiledJob
    root: str
    """The folder of all artifacts, `gs://…`."""

    buckets: Buckets
    records: Records
    processes: Processes
    caching: bool
    """Whether a task may reuse the results of an earlier rehearsal, if the job allows it."""

    @property
    def legacy(self) -> bool:
        """Whether the job's schema version is before 2.1, in which parameters have another shape."""
        return self.job.spec.schema_version.startswith("2.0")

    @property
    def resource_name(self) -> str:
        """The job's resource name, in Vertex's form; no such resource exists."""
        return f"projects/{_PROJECT}/locations/local/pipelineJobs/{self.id}"

    def task_root(self, path: str) -> str:
        """Where a task writes, in Vertex's layout: `<root>/<project number>/<job>/<task>_<id>`."""
        number = artifact_name(f"{self.id}/{path}").rsplit("/", 1)[1]
        return f"{self.root.rstrip('/')}/{_PROJECT}/{self.id}/{path.replace('/', '_')}_{number}"

    def constants(self, path: str) -> dict[str, str]:
        """The values of placeholders for facts about the task or the job."""
        return {
            "pipeline_job_name": self.id,
            "pipeline_job_resource_name": self.resource_name,
            "pipeline_job_uuid": self.id,
            "pipeline_task_name": path.rsplit("/", 1)[-1],
            "pipeline_task_uuid": self.task_root(path).rsplit("_", 1)[1],
            "pipeline_root": self.root,
        }


def record_of(rehearsal: Rehearsal, node: TaskNode, state: str, *, started: float = 0.0, **fields: Any) -> Record:
    """Makes the record of a task that ends now.

    Args:
        rehearsal: What all tasks share.
        node: The task.
        state: How the task ended.
        started: When the task started, seconds since 1970. Default: now.
        **fields: Further fields of `Record`.
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
