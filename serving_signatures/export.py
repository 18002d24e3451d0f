"""Writes a Retriever with all its signatures as a SavedModel."""

from collections.abc import Callable

import tensorflow as tf

from common.atomicity import new_folder
from documents.provenance import Provenance
from serving_signatures import (
    catalogue,
    embed_item_indices,
    embed_items,
    embed_users,
    recommend,
    scores,
    serving_default,
    similar_items,
)
from serving_signatures.retriever import Retriever
from serving_signatures.served_model import CosineModel, ServedModel
from serving_signatures.serving_requests import write_requests
from serving_signatures.signature import Signature

SIGNATURES = (
    serving_default.SIGNATURE,
    recommend.SIGNATURE,
    scores.SIGNATURE,
    embed_items.SIGNATURE,
    embed_item_indices.SIGNATURE,
    embed_users.SIGNATURE,
    similar_items.SIGNATURE,
    catalogue.SIGNATURE,
)
"""All signatures that a model may have."""

OF_EMBEDDINGS = frozenset({embed_items.SIGNATURE.name, embed_item_indices.SIGNATURE.name, embed_users.SIGNATURE.name})
"""Names of those that a model has only if its scores are cosines of embeddings: all of them, or none."""

SAVED_MODEL = tf.saved_model.SAVED_MODEL_FILENAME_PB
"""The file by which TensorFlow recognises a SavedModel. TensorFlow Serving waits for it."""


def signatures_of(model: ServedModel) -> tuple[Signature, ...]:
    """The signatures of a model. Those that give embeddings are there only if its scores are their cosines."""
    has_embeddings = isinstance(model, CosineModel)
    return tuple(each for each in SIGNATURES if has_embeddings or each.name not in OF_EMBEDDINGS)


def export_model(
    retriever: Retriever, folder: str, provenance: Provenance, before_commit: Callable[[str], None] | None = None
) -> None:
    """Writes the SavedModel, its provenance and its `serving_requests`; the folder appears whole or not at all.

    `common.atomicity.new_folder` says how it replaces a model that already exists. In a remote folder `saved_model.pb`
    is written last, and deleted first when the model is replaced, because loaders look for that file.

    Args:
        retriever: The model.
        folder: The folder to write, local or remote; an existing one is replaced.
        provenance: What the model was made from. It is written to `assets.extra`, which TensorFlow leaves to its users.
        before_commit: Called with the complete folder before the model appears, to write what belongs to it. If it
            fails, no model is left.

    Raises:
        OSError: The folder cannot be written.
        tf.errors.OpError: The remote folder cannot be written.
    """
    signatures = signatures_of(retriever.model)
    with new_folder(folder, commit_file=SAVED_MODEL) as unfinished:
        tf.saved_model.save(
            retriever,
            unfinished,
            signatures={signature.name: signature.concrete_function(retriever) for signature in signatures},
        )
        provenance.write(unfinished)
        write_requests(retriever, signatures, unfinished)
        if before_commit is not None:
            before_commit(unfinished)
