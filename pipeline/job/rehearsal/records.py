"""Keeps the records of rehearsals, one file for each task; the cache and resolvers read them.

The records replace Vertex ML Metadata. A record is written when its task has ended, whole or not at all, so that a
killed rehearsal leaves no record that would mislead a later one.
"""

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from common.atomicity import write_json
from pipeline.job.compiled import title_of_schema

RUNS_DIR = "runs"
"""The folder in the rehearsals' home with one folder for each rehearsal."""

_LOGGER = logging.getLogger("perennial.vertex.rehearsal")

SUCCEEDED, CACHED, FAILED, SKIPPED, NOT_RUN = "succeeded", "cached", "failed", "skipped", "not run"
"""How a task ends: `skipped` if its condition was false, `not run` if another task's failure stopped it."""


@dataclass(frozen=True)
class Artifact:
    """One artifact, with its gs:// path."""

    name: str
    """Its resource name."""

    uri: str
    type: dict[str, Any]
    """ArtifactTypeSchema, as JSON values."""

    metadata: dict[str, Any]
    created: float
    """Seconds since 1970."""

    @property
    def title(self) -> str:
        """The type's title, such as `tfx.Model`; a JobError if the type's schema cannot be read."""
        if "schemaTitle" in self.type:
            return str(self.type["schemaTitle"])
        return title_of_schema(str(self.type.get("instanceSchema", "")), f"artifact {self.name}") or ""

    def as_runtime_artifact(self) -> dict[str, Any]:
        """RuntimeArtifact, as JSON values."""
        return {"name": self.name, "uri": self.uri, "type": self.type, "metadata": self.metadata}


@dataclass(frozen=True)
class Record:
    """How one task ended."""

    pipeline: str
    """The pipeline's name: the cache and resolvers ignore records of other pipelines."""

    run: str
    """Id of the rehearsal."""

    task: str
    """The task's path."""

    state: str

    makes: bool = True
    """Whether the task has made its artifacts; those of a resolver or of a cached task are older."""

    cache_key: str | None = None
    """None for a task that is not cached."""

    started: float = 0.0
    ended: float = 0.0
    """Seconds since 1970."""

    attempts: int = 0
    """Number of attempts to execute it."""

    cached_from: str | None = None
    """Id of the rehearsal whose results were reused."""

    reason: str = ""
    """Why it failed, was skipped, or was not run."""

    inputs: dict[str, list[str]] = field(default_factory=dict)
    """Names of the artifacts of each input."""

    artifacts: dict[str, list[Artifact]] = field(default_factory=dict)
    """The artifacts of each output."""

    parameters: dict[str, Any] = field(default_factory=dict)
    """Output parameters."""

    written: list[str] = field(default_factory=list)
    """URIs of its artifacts at which files exist; an artifact can also be metadata only."""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.started

    @property
    def is_good(self) -> bool:
        """Whether its outputs can be used."""
        return self.state in (SUCCEEDED, CACHED)


class Records:
    """The records of all rehearsals of a pipeline in one home."""

    def __init__(self, runs_dir: Path, pipeline: str) -> None:
        """Reads all records of the pipeline. Records that cannot be read are logged and ignored.

        Args:
            runs_dir: The folder with one folder for each rehearsal; it may be missing.
            pipeline: The pipeline's name.
        """
        self._runs_dir = runs_dir
        self._lock = threading.Lock()
        found = [_read(file) for file in sorted(runs_dir.glob("*/records/**/*.json"))]
        damaged = [record for record in found if isinstance(record, str)]
        if damaged:
            _LOGGER.warning("%d record(s) of rehearsals cannot be used: %s", len(damaged), damaged[0])
        self._records = sorted(
            (record for record in found if isinstance(record, Record) and record.pipeline == pipeline),
            key=lambda record: record.ended,
        )

    def task_dir(self, run: str, task: str) -> Path:
        """The folder of one task: its input, output, logs and working directory."""
        return self._runs_dir / run / "tasks" / task

    def add(self, record: Record) -> None:
        """Writes a record; from now on it is part of all answers."""
        write_json(self._runs_dir / record.run / "records" / f"{record.task}.json", asdict(record))
        with self._lock:
            self._records.append(record)

    def of_run(self, run: str) -> dict[str, Record]:
        """A rehearsal's records, by task."""
        return {record.task: record for record in self._all() if record.run == run}

    def by_cache_key(self, key: str) -> Iterator[Record]:
        """Executions with this key, the newest first."""
        for record in reversed(self._all()):
            if record.state == SUCCEEDED and record.cache_key == key:
                yield record

    def seconds(self) -> dict[str, float]:
        """How long each task took when it last succeeded."""
        return {record.task: record.seconds for record in self._all() if record.state == SUCCEEDED}

    def newest_artifacts(self) -> list[Artifact]:
        """All artifacts, the newest first."""
        made = {artifact.name: artifact for record in self._makers() for artifact in _all_of(record)}
        return sorted(made.values(), key=lambda artifact: artifact.created, reverse=True)

    def producers(self) -> Mapping[str, Record]:
        """The record of the execution that made each artifact, by the artifact's name."""
        return {artifact.name: record for record in self._makers() for artifact in _all_of(record)}

    def _makers(self) -> list[Record]:
        return [record for record in self._all() if record.state == SUCCEEDED and record.makes]

    def _all(self) -> list[Record]:
        with self._lock:
            return list(self._records)


def _all_of(record: Record) -> list[Artifact]:
    return [artifact for artifacts in record.artifacts.values() for artifact in artifacts]


def _read(file: Path) -> Record | str:
    """A record, or what is wrong with it."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        value["artifacts"] = {
            key: [Artifact(**artifact) for artifact in artifacts] for key, artifacts in value["artifacts"].items()
        }
        return Record(**value)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as e:
        return f"{file}: {e}"
