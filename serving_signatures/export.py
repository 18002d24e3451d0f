"""Writes a Retriever with all its signatures as a SavedModel."""

import json
import posixpath
import uuid
from typing import Any

import tensorflow as tf

from serving_signatures import (
    catalogue,
    embed_item_indices,
    embed_items,
    embed_users,
    recommend,
    serving_default,
    similar_items,
)
from serving_signatures.retriever import Retriever
from serving_signatures.serving_requests import write_requests

SIGNATURES = (
    serving_default.SIGNATURE,
    recommend.SIGNATURE,
    embed_items.SIGNATURE,
    embed_item_indices.SIGNATURE,
    embed_users.SIGNATURE,
    similar_items.SIGNATURE,
    catalogue.SIGNATURE,
)
"""All that a served model answers."""

PROVENANCE_FILE = "assets.extra/provenance.json"
"""Where a SavedModel says what it was made of; TensorFlow leaves `assets.extra` to its users."""


def export_model(retriever: Retriever, folder: str, provenance: dict[str, Any]) -> None:
    """Writes the SavedModel, with its provenance and `serving_requests`; the folder is there whole or not at all.

    If this process is killed between the two renames of a replacement, the older model lies beside the folder, with the
    ending `.old`.

    Args:
        retriever: The model.
        folder: Where to, local or remote; what is there is replaced.
        provenance: JSON values for `assets.extra/provenance.json`.
    """
    # Beside the goal, so that the rename stays inside one file system.
    unfinished = f"{folder.rstrip('/')}.{uuid.uuid4().hex}.tmp"
    try:
        tf.saved_model.save(
            retriever,
            unfinished,
            signatures={signature.name: signature.concrete_function(retriever) for signature in SIGNATURES},
        )
        provenance_file = posixpath.join(unfinished, PROVENANCE_FILE)
        tf.io.gfile.makedirs(posixpath.dirname(provenance_file))
        with tf.io.gfile.GFile(provenance_file, "w") as file:
            file.write(json.dumps(provenance, indent=2, sort_keys=True) + "\n")
        write_requests(retriever, SIGNATURES, unfinished)
        _put_in_place(unfinished, folder.rstrip("/"))
    finally:
        if tf.io.gfile.exists(unfinished):
            tf.io.gfile.rmtree(unfinished)


def _put_in_place(unfinished: str, folder: str) -> None:
    """Renames; what was there before goes only when the new model stands in its place."""
    tf.io.gfile.makedirs(posixpath.dirname(folder))
    if not tf.io.gfile.exists(folder):
        tf.io.gfile.rename(unfinished, folder)
        return
    before = f"{folder}.{uuid.uuid4().hex}.old"
    tf.io.gfile.rename(folder, before)
    try:
        tf.io.gfile.rename(unfinished, folder)
    except tf.errors.OpError:
        tf.io.gfile.rename(before, folder)
        raise
    tf.io.gfile.rmtree(before)
