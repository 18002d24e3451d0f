"""Writes a Retriever with all its signatures as a SavedModel."""

import tensorflow as tf

from common.atomicity import new_folder
from documents.provenance import Provenance
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


def export_model(retriever: Retriever, folder: str, provenance: Provenance) -> None:
    """Writes the SavedModel, with its provenance and `serving_requests`; the folder is there whole or not at all.

    See `common.atomicity.new_folder` for what happens to a model that is there. In a remote folder `saved_model.pb`
    comes last, and goes first when the model is replaced; loaders look for that file.

    Args:
        retriever: The model.
        folder: Where to, local or remote; what is there is replaced.
        provenance: What the model was made of; TensorFlow leaves `assets.extra`, where it goes, to its users.

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
        provenance.write(unfinished)
        write_requests(retriever, SIGNATURES, unfinished)
