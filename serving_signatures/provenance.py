"""Makes the provenance of a model and its digest: which model it is, and what it was made from."""

import hashlib
import platform
import posixpath
from collections.abc import Iterable, Mapping
from importlib import metadata

import tensorflow as tf
from pydantic import JsonValue

from configs.leave_out import LeaveOut, plain
from documents.provenance import FinalMetrics, MadeBy, Provenance, Start
from documents.push_record import PushRecord
from documents.service_data import is_service_data

_NOT_THE_MODEL = frozenset({PushRecord.FILE, "fingerprint.pb"})
"""Files that do not change a model's answers. TensorFlow writes a random id into each fingerprint."""

_BLOCK_BYTES = 1 << 20

_LIBRARIES = ("perennial", "tensorflow", "tensorflow-transform", "tfx")


def provenance(
    made_by: MadeBy,
    data_digest: str,
    counts: Mapping[str, int],
    metrics: FinalMetrics,
    start: Start,
    leave_out: LeaveOut,
    tuned: Mapping[str, JsonValue],
    candidate: str | None = None,
) -> Provenance:
    """Makes a model's provenance.

    Args:
        made_by: The pipeline's name, and the digests of config and code.
        data_digest: Digest of the data, from `digest_of`.
        counts: Sizes of the training data, by name.
        metrics: Metrics of the model and of its baseline.
        start: What the training started from.
        leave_out: What `recommend` leaves out.
        tuned: Settings that came from the tuner, by name.
        candidate: The model's name in a comparison; None if it is in none.
    """
    versions = {library: metadata.version(library) for library in _LIBRARIES}
    return Provenance(
        **dict(made_by),
        data_digest=data_digest,
        candidate=candidate,
        counts=dict(counts),
        metrics=metrics,
        versions={"python": platform.python_version(), **versions},
        base_model=start,
        leave_out=plain(leave_out),
        tuned=dict(tuned),
    )


def digest_of(parts: Iterable[bytes]) -> str:
    """SHA-256 over parts of any length, 64 hexadecimal digits. The same bytes, cut elsewhere, give another digest."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def file_digests(folder: str) -> dict[str, str]:
    """SHA-256 of every file below a folder, 64 hexadecimal digits, by relative path, sorted by path.

    Args:
        folder: Local or remote.

    Raises:
        tf.errors.OpError: A file cannot be read.
    """
    root = folder.rstrip("/")
    digests = {}
    for parent, _, files in tf.io.gfile.walk(root):
        for name in files:
            path = posixpath.join(parent, name)
            digests[path[len(root) + 1 :]] = _file_digest(path)
    return dict(sorted(digests.items()))


def _file_digest(path: str) -> str:
    digest = hashlib.sha256()
    with tf.io.gfile.GFile(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def digest_of_files(digests: Mapping[str, str]) -> str:
    """A model's digest, from the digests of its files; see `model_digest`."""
    counted = sorted(
        (path, digest) for path, digest in digests.items() if path not in _NOT_THE_MODEL and not is_service_data(path)
    )
    return digest_of(part.encode() for pair in counted for part in pair)


def model_digest(folder: str) -> str:
    """Digest of a SavedModel, over the paths and bytes of all its files except those that are not the model.

    These are the fingerprint, the record of a push, and the service's data.

    Args:
        folder: The SavedModel's folder, local or remote.

    Returns:
        64 hexadecimal digits, which do not depend on the folder.

    Raises:
        tf.errors.OpError: A file cannot be read.
    """
    return digest_of_files(file_digests(folder))
