"""Writes a Retriever with all its signatures as a SavedModel."""

import json
import os
from typing import Any

import tensorflow as tf

from common.atomicity import new_folder, write_text
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

SAVED_MODEL = tf.saved_model.SAVED_MODEL_FILENAME_PB
"""The file by which TensorFlow knows a SavedModel. TensorFlow Serving waits for it."""

PROVENANCE_FILE = "assets.extra/provenance.json"
"""Where a SavedModel says what it was made of; TensorFlow leaves `assets.extra` to its users."""


def export_model(retriever: Retriever, folder: str, provenance: dict[str, Any]) -> None:
    """Writes the SavedModel, with its provenance and `serving_requests`; the folder is there whole or not at all.

    See `common.atomicity.new_folder` for what happens to a model that is there. In a remote folder `saved_model.pb`
    comes last, and goes first when the model is replaced; loaders look for that file.

    Args:
        retriever: The model.
        folder: Where to, local or remote; what is there is replaced.
        provenance: JSON values for `assets.extra/provenance.json`.

    Raises:
        OSError: The folder cannot be written.
        tf.errors.OpError: Likewise, of a remote folder.
    """
    with new_folder(folder, commit_file=SAVED_MODEL) as unfinished:
        tf.saved_model.save(
            retriever,
            unfinished,
            signatures={signature.name: signature.concrete_function(retriever) for signature in SIGNATURES},
        )
        text = json.dumps(provenance, indent=2, sort_keys=True) + "\n"
        write_text(os.path.join(unfinished, PROVENANCE_FILE), text)
        write_requests(retriever, SIGNATURES, unfinished)
