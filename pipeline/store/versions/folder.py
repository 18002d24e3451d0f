"""Reads a serving folder: `<folder>/<number>/` is a version, and the highest is live, as TensorFlow Serving has it.

A folder under a number without `saved_model.pb` is no version: on an object store, which knows no rename, that file
comes last. Names that are no numbers are ours to use, servers pass them over.
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
"""A version's name, below 2**63, which is where TensorFlow Serving's numbers end."""


@dataclass(frozen=True)
class Version:
    """One version of a serving folder."""

    number: int
    path: str
    record: PushRecord
    """What its push wrote down."""

    @property
    def digest(self) -> str:
        """The model's digest: as written down, or else computed."""
        return self.record.model_digest or model_digest(self.path)

    @property
    def origin(self) -> int:
        """The number under which this model was first pushed; a rollback gives it a new one."""
        return self.number if self.record.origin is None else self.record.origin

    @property
    def pushed_at(self) -> str:
        """When, ISO 8601: as written down, or else when the graph came there."""
        if self.record.pushed_at:
            return self.record.pushed_at
        seconds = tf.io.gfile.stat(posixpath.join(self.path, SAVED_MODEL)).mtime_nsec / 1e9
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")

    @property
    def artifact(self) -> str | None:
        """URI of the Model artifact that holds this model; None where nobody has written it down."""
        return posixpath.dirname(self.record.source) if self.record.source else None

    @property
    def has_artifact(self) -> bool:
        """Whether that artifact is still there."""
        source = self.record.source
        return source is not None and tf.io.gfile.exists(posixpath.join(source, SAVED_MODEL))

    @property
    def provenance(self) -> Provenance:
        """What the model was made of, as far as it says so.

        Raises:
            OutputError: Its file is damaged.
        """
        return Provenance.find(self.path) or Provenance()


def versions(serving_dir: str) -> list[Version]:
    """All whole versions, the oldest first; the last one is live.

    Args:
        serving_dir: The serving folder, local or remote; it may be missing.

    Raises:
        OutputError: What a push wrote down is damaged.
    """
    paths = {number: posixpath.join(serving_dir, str(number)) for number in numbers(serving_dir)}
    return [
        Version(number, path, PushRecord.find(path) or PushRecord())
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
