"""What rehearsals have left: each task's record, one file each, from which caching and resolvers answer.

It stands for Vertex ML Metadata. A record is written when its task has ended, whole or not at all, so that a rehearsal
that was killed leaves nothing that a later one would believe.
"""

import json
import os
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

SUCCEEDED, CACHED, FAILED, SKIPPED, NOT_RUN = "succeeded", "cached", "failed", "skipped", "not run"
"""How a task ends; `skipped` where its condition said no, `not run` where another one's failure did."""


@dataclass(frozen=True)
class Artifact:
    """One artifact, in the job's terms."""

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
        """The type's title, such as `tfx.Model`."""
        if "schemaTitle" in self.type:
            return str(self.type["schemaTitle"])
        return str((yaml.safe_load(self.type.get("instanceSchema", "")) or {}).get("title", ""))

    def as_runtime_artifact(self) -> dict[str, Any]:
        """RuntimeArtifact, as JSON values."""
        return {"name": self.name, "uri": self.uri, "type": self.type, "metadata": self.metadata}


@dataclass(frozen=True)
class Record:
    """How one task ended."""

    run: str
    """Id of the rehearsal."""

    task: str
    """Its path."""

    state: str

    cache_key: str | None = None
    """None for a task that is not cached."""

    started: float = 0.0
    ended: float = 0.0
    """Seconds since 1970."""

    attempts: int = 0
    """Processes started for it."""

    cached_from: str | None = None
    """Id of the rehearsal that it was answered from."""

    reason: str = ""
    """Why it failed, was skipped, or was not run."""

    inputs: dict[str, list[str]] = field(default_factory=dict)
    """Names of the artifacts of each input."""

    artifacts: dict[str, list[Artifact]] = field(default_factory=dict)
    """The artifacts of each output."""

    parameters: dict[str, Any] = field(default_factory=dict)
    """Output parameters."""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.started

    @property
    def is_good(self) -> bool:
        """Whether its outputs can be used."""
        return self.state in (SUCCEEDED, CACHED)


class Records:
    """The records of all rehearsals in one home."""

    def __init__(self, runs_dir: Path) -> None:
        """Reads what is there.

        Args:
            runs_dir: The folder with one folder a rehearsal; it may be missing.
        """
        self._runs_dir = runs_dir
        self._lock = threading.Lock()
        self._records = sorted(
            (_read(file) for file in runs_dir.glob("*/records/**/*.json")), key=lambda record: record.ended
        )

    def task_dir(self, run: str, task: str) -> Path:
        """The folder of one task: its input, output, logs and working directory."""
        return self._runs_dir / run / "tasks" / task

    def add(self, record: Record) -> None:
        """Writes a record, and answers with it from now on."""
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

    def newest_artifacts(self) -> Iterator[Artifact]:
        """All artifacts of executions, the newest first."""
        for record in reversed(self._all()):
            if record.state == SUCCEEDED:
                for artifacts in record.artifacts.values():
                    yield from artifacts

    def producers(self) -> Mapping[str, Record]:
        """Which execution made an artifact, by its name."""
        return {
            artifact.name: record
            for record in self._all()
            if record.state == SUCCEEDED
            for artifacts in record.artifacts.values()
            for artifact in artifacts
        }

    def _all(self) -> list[Record]:
        with self._lock:
            return list(self._records)


def write_json(file: Path, value: Any) -> None:
    """Writes JSON, the whole file or none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{uuid.uuid4().hex}.tmp")
    unfinished.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(unfinished, file)


def _read(file: Path) -> Record:
    value = json.loads(file.read_text(encoding="utf-8"))
    value["artifacts"] = {
        key: [Artifact(**artifact) for artifact in artifacts] for key, artifacts in value["artifacts"].items()
    }
    return Record(**value)
