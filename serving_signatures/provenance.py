"""Where a model comes from: digests, metrics and versions, for `assets.extra/provenance.json`."""

import hashlib
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any

_LIBRARIES = ("perennial", "tensorflow", "tensorflow-transform", "tfx")


def provenance(
    made_by: Mapping[str, str], data_digest: str, counts: Mapping[str, int], metrics: Mapping[str, Any]
) -> dict[str, Any]:
    """Puts a model's origin together.

    Args:
        made_by: What the pipeline says: its name, the digests of config and code.
        data_digest: Of `digest_of`.
        counts: Sizes of what it was trained on, by name.
        metrics: Metrics of the model and of its baseline.

    Returns:
        JSON values.
    """
    versions = {library: metadata.version(library) for library in _LIBRARIES}
    return {
        **made_by,
        "data_digest": data_digest,
        "counts": dict(counts),
        "metrics": dict(metrics),
        "versions": {"python": platform.python_version(), **versions},
    }


def digest_of(parts: Iterable[bytes]) -> str:
    """SHA-256 over parts of any length, none of which can be taken for another; 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
