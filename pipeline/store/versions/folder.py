"""Reads a serving folder: `<folder>/<number>/` is a version, and the highest is live, as TensorFlow Serving has it.

A folder under a number without `saved_model.pb` is no version: on an object store, which knows no rename, that file
comes last. Names that are no numbers are ours to use, servers pass them over.
"""

import posixpath
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated, Any

import tensorflow as tf
from pydantic import AfterValidator

from pipeline.store.versions.json_files import JsonFile, read_json
from serving_signatures.export import PROVENANCE_FILE, SAVED_MODEL
from serving_signatures.provenance import PUSH_FILE, model_digest

SOURCE = "source"
"""In a version's record: the newest place in which the pipeline has this model."""

_MEND_RECORD = "Mend it, or remove it: its version then counts as one that came otherwise."

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
"""A version's name, below 2**63, which is where TensorFlow Serving's numbers end."""


def _is_iso_8601(text: str) -> str:
    datetime.fromisoformat(text)
    return text


class _Record(JsonFile):
    """What is read of `Version.record`."""

    model_digest: str | None = None
    pushed_at: Annotated[str, AfterValidator(_is_iso_8601)] | None = None
    source: str | None = None
    origin: int | None = None
    rolled_back_to: int | None = None


class _Metrics(JsonFile):
    model: dict[str, float] = {}


class _BaseModel(JsonFile):
    warm: bool | None = None


class _Provenance(JsonFile):
    """What is read of `Version.provenance`."""

    metrics: _Metrics = _Metrics()
    base_model: _BaseModel = _BaseModel()


@dataclass(frozen=True)
class Version:
    """One version of a serving folder."""

    number: int
    path: str
    record: dict[str, Any]
    """What its push wrote down; see `publish.publish`. Empty for one that came otherwise."""

    @property
    def digest(self) -> str:
        """The model's digest: as written down, or else computed."""
        return self.record.get("model_digest") or model_digest(self.path)

    @property
    def origin(self) -> int:
        """The number under which this model was first pushed; a rollback gives it a new one."""
        origin: int | None = self.record.get("origin")
        return self.number if origin is None else origin

    @property
    def pushed_at(self) -> str:
        """When, ISO 8601: as written down, or else when the graph came there."""
        written = self.record.get("pushed_at")
        if written:
            return str(written)
        seconds = tf.io.gfile.stat(posixpath.join(self.path, SAVED_MODEL)).mtime_nsec / 1e9
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")

    @property
    def artifact(self) -> str | None:
        """URI of the Model artifact that holds this model; None where nobody has written it down."""
        source = self.record.get(SOURCE)
        return posixpath.dirname(source) if source else None

    @property
    def has_artifact(self) -> bool:
        """Whether that artifact is still there."""
        source = self.record.get(SOURCE)
        return source is not None and tf.io.gfile.exists(posixpath.join(source, SAVED_MODEL))

    @property
    def provenance(self) -> dict[str, Any]:
        """What the model was made of; empty where it does not say.

        Raises:
            OutputError: Its file is damaged.
        """
        file = posixpath.join(self.path, PROVENANCE_FILE)
        return read_json(file, _Provenance, "It is a part of the model: remove its version's folder, and run again.")


def versions(serving_dir: str) -> list[Version]:
    """All whole versions, the oldest first; the last one is live.

    Args:
        serving_dir: The serving folder, local or remote; it may be missing.

    Raises:
        OutputError: What a push wrote down is damaged.
    """
    paths = {number: posixpath.join(serving_dir, str(number)) for number in numbers(serving_dir)}
    return [
        Version(number, path, read_json(posixpath.join(path, PUSH_FILE), _Record, _MEND_RECORD))
        for number, path in paths.items()
        if tf.io.gfile.exists(posixpath.join(path, SAVED_MODEL))
    ]


def numbers(serving_dir: str) -> list[int]:
    """All numbers in use, the smallest first, those of unfinished versions too."""
    return sorted(int(name) for name in names(serving_dir) if _NUMBER.fullmatch(name))


def names(serving_dir: str) -> list[str]:
    """All names in a folder, which may be missing; without the slash that object stores put after folders."""
    try:
        # Not isdir, for which a folder that may not be read is none.
        if not tf.io.gfile.stat(serving_dir).is_directory:
            return []
    except tf.errors.NotFoundError:
        return []
    return [name.rstrip("/") for name in tf.io.gfile.listdir(serving_dir)]
