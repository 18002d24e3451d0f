"""Lists the versions of a serving folder, with their metrics and state."""

import posixpath
from collections.abc import Collection
from typing import Any

import tensorflow as tf

from pipeline.store.versions.files import reading
from pipeline.store.versions.folder import Version, versions
from pipeline.store.versions.withdrawn import withdrawn

_HEADLINE = ("ndcg@", "recall@")
"""Prefixes of the metrics that are shown."""


def listing(serving_dir: str) -> list[dict[str, Any]]:
    """Lists all versions, the oldest first.

    Args:
        serving_dir: The serving folder, local or remote; it may be missing.

    Returns:
        JSON values for each version: `version`, `pushed_at` (ISO 8601), `live`, `withdrawn`, `rolled_back_to` (a
        version, or None), `model_digest`, `metrics` (nDCG and recall at the end of training, by name), `warm` (None if
        the model does not say) and `bytes`.

    Raises:
        OutputError: The folder cannot be read.
    """
    with reading(serving_dir):
        kept, withdrawn_models = versions(serving_dir), withdrawn(serving_dir)
        return [_row(version, version is kept[-1], withdrawn_models) for version in kept]


def _row(version: Version, is_live: bool, withdrawn_models: Collection[str]) -> dict[str, Any]:
    provenance, digest = version.provenance, version.digest
    metrics = provenance.metrics.model
    return {
        "version": version.number,
        "pushed_at": version.pushed_at,
        "live": is_live,
        "withdrawn": digest in withdrawn_models,
        "rolled_back_to": version.record.rolled_back_to,
        "model_digest": digest,
        "metrics": {name: metrics[name] for name in sorted(metrics) if name.startswith(_HEADLINE)},
        "warm": provenance.base_model.warm,
        "bytes": _bytes(version.path),
    }


def _bytes(folder: str) -> int:
    return sum(
        int(tf.io.gfile.stat(posixpath.join(parent, file)).length)
        for parent, _, files in tf.io.gfile.walk(folder)
        for file in files
    )
