"""Reads a serving folder: `<folder>/<number>/` is a version, and the highest is live, as in TensorFlow Serving.

A folder with a number but without `saved_model.pb` is not a version: object stores have no rename, so that file is
written last. Servers ignore names that are not numbers; Perennial uses such names for its own files.
"""

import posixpath
import re
from dataclasses import dataclass
from datetime import datetime, timezone

import tensorflow as tf

from documents.provenance import Provenance
from documents.push_record import PushRecord
from serving_signatures.export import SAVED_MODEL
from serving_signatures.provenance import model_digest

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
"""A version's name: a number below 2**63, which is TensorFlow Serving's limit."""


@dataclass(frozen=True)
class Version:
    """One version of a serving folder."""

    number: int
    path: str
    record: PushRecord
    """The record that its push wrote."""

    @property
    def digest(self) -> str:
        """The model's digest: the recorded one, or else computed."""
        return self.record.model_digest or model_digest(self.path)

    @property
    def origin(self) -> int:
        """The number under which this model was first pushed; a rollback gives it a new one."""
        return self.number if self.record.origin is None else self.record.origin

    @property
    def pushed_at(self) -> str:
        """When it was pushed, ISO 8601: the recorded time, or else the time of its `saved_model.pb`."""
        if self.record.pushed_at:
            return self.record.pushed_at
        seconds = tf.io.gfile.stat(posixpath.join(self.path, SAVED_MODEL)).mtime_nsec / 1e9
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")

    @property
    def artifact(self) -> str | None:
        """URI of the Model artifact that holds this model; None if it was not recorded."""
        return posixpath.dirname(self.record.source) if self.record.source else None

    @property
    def has_artifact(self) -> bool:
        """Whether that artifact still exists."""
        source = self.record.source
        return source is not None and tf.io.gfile.exists(posixpath.join(source, SAVED_MODEL))

    @property
    def provenance(self) -> Provenance:
        """What the model was made from; empty if the model does not say.

        Raises:
            OutputError: The provenance file is damaged.
        """
        return Provenance.find(self.path) or Provenance()


def versions(serving_dir: str) -> list[Version]:
    """Lists all complete versions, the oldest first; the last one is live.

    Args:
        serving_dir: The serving folder, local or remote; it may be missing.

    Raises:
        OutputError: The record of a push is damaged.
    """
    paths = {number: posixpath.join(serving_dir, str(number)) for number in numbers(serving_dir)}
    return [
        Version(number, path, PushRecord.find(path) or PushRecord())
        for number, path in paths.items()
        if tf.io.gfile.exists(posixpath.join(path, SAVED_MODEL))
    ]


def numbers(serving_dir: str) -> list[int]:
    """Lists all numbers in use, the smallest first, also those of unfinished versions."""
    return sorted(int(name) for name in names(serving_dir) if _NUMBER.fullmatch(name))


def names(serving_dir: str) -> list[str]:
    """Lists all names in a folder, which may be missing; without the slash that object stores put after folders."""
    try:
        # Not isdir: it returns False for a folder that this account may not read.
        if not tf.io.gfile.stat(serving_dir).is_directory:
            return []
    except tf.errors.NotFoundError:
        return []
    return [name.rstrip("/") for name in tf.io.gfile.listdir(serving_dir)]
