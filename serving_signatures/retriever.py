"""Answers by string id: looks ids up, asks the model, and ranks the catalogue. All signatures use it."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft

from configs.leave_out import LeaveOut, is_left_out
from serving_signatures.ranking import PADDING_SCORE, best_places
from serving_signatures.served_model import CosineModel, ServedModel
from transforms import features


@dataclasses.dataclass(frozen=True)
class ServedCatalogue:
    """The items in the order of their places.

    Attributes:
        item_id: object `[items]`, bytes.
        title: object `[items]`, UTF-8 bytes.
        popularity: float32 `[items]`, the item's share of the training interactions.
        row: int32 `[items]`, the item's number in histories; -1 for an item without interactions.
    """

    item_id: npt.NDArray[np.object_]
    title: npt.NDArray[np.object_]
    popularity: npt.NDArray[np.float32]
    row: npt.NDArray[np.int32]


class Retriever(tf.Module):
    """Looks ids up, asks a model of any kind, and ranks the catalogue.

    All its data is in variables and in the transform graphs' vocabulary files, which the SavedModel holds as assets:
    training and serving read the same files, and the graph has no large constant.

    Attributes:
        model: The model.
        item_id: Variable string `[items]`.
        title: Variable string `[items]`.
        default_k: Number of recommendations of `serving_default`.
    """

    def __init__(
        self,
        model: ServedModel,
        catalogue: ServedCatalogue,
        interactions_graph: tft.TFTransformOutput,
        catalogue_graph: tft.TFTransformOutput,
        default_k: int,
        leave_out: LeaveOut = "everything",
    ) -> None:
        """Makes the model from its parts.

        Args:
            model: The model.
            catalogue: The items.
            interactions_graph: Transform graph of the interactions.
            catalogue_graph: Transform graph of the catalogue.
            default_k: Number of recommendations of `serving_default`.
            leave_out: Which items of a history are not recommended.
        """
        super().__init__(name="retriever")
        self.model = model
        self.default_k = default_k
        self._leave_out = leave_out
        self.item_id = tf.Variable(catalogue.item_id, dtype=tf.string, trainable=False, name="item_id")
        self.title = tf.Variable(catalogue.title, dtype=tf.string, trainable=False, name="title")
        self._popularity = tf.Variable(catalogue.popularity, trainable=False, name="popularity")
        self._row = tf.Variable(catalogue.row, trainable=False, name="row")
        self._users = _table(interactions_graph, features.USER_VOCABULARY)
        self._places = _table(catalogue_graph, features.CATALOGUE_VOCABULARY)
        self._raw_spec = {
            name: tf.io.VarLenFeature(spec.dtype) for name, spec in interactions_graph.raw_feature_spec().items()
        }
        # Kept as an attribute: the layer holds the graph's tables, which must live as long as the signatures.
        self._transform = _TransformLayer(interactions_graph)

    def transform(self, examples: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parses raw interaction Examples and runs the transform graph on them.

        Args:
            examples: string `[n]`, serialized; features other than those of `transforms.features` are ignored.

        Returns:
            The raw and the transformed features.
        """
        raw = tf.io.parse_example(examples, self._raw_spec)
        return raw, self._transform(dict(raw))

    def users(self) -> npt.NDArray[np.object_]:
        """The ids of all users that training has seen, bytes `[users]`, in the order of their vocabulary."""
        user_id, place = self._users.export()
        ordered: npt.NDArray[np.object_] = user_id.numpy()[np.argsort(place.numpy())]
        return ordered

    def place_of(self, item_id: Any) -> Any:
        """Places in the catalogue, int64 of the shape of `item_id`; -1 for an item outside it, such as ""."""
        return self._places.lookup(item_id)

    @property
    def cosine_model(self) -> CosineModel:
        """The model, which must be one with embeddings."""
        if not isinstance(self.model, CosineModel):
            raise TypeError(f"a {type(self.model).__name__} has no embeddings, so it has no signature that gives them")
        return self.model

    def embed_users(self, user_id: Any, history: Any, history_weight: Any) -> tuple[Any, Any]:
        """Embeds users.

        Args:
            user_id: string `[n]`.
            history: string `[n, h]`, oldest first; "" and unknown items are ignored.
            history_weight: float32 `[n, h]`; an item is ignored unless its weight is above zero and finite.

        Returns:
            Embeddings float32 `[n, dim]`, zero if neither user nor history is known; and bool `[n]`, whether the user
            is known.
        """
        user, rows, weight = self._known(user_id, history, history_weight)
        return self.cosine_model.embed(user, rows, weight), user >= 0

    def scores(self, user_id: Any, history: Any, history_weight: Any) -> tuple[Any, Any]:
        """Scores all items for users; see `embed_users` for the arguments.

        Returns:
            float32 `[n, items]`, the popularity in a row about which nothing is known; and bool `[n]`, whether the user
            is known.
        """
        user, rows, weight = self._known(user_id, history, history_weight)
        scores, is_known = self.model.scores(user, rows, weight)
        return tf.where(is_known[:, tf.newaxis], scores, self._popularity), user >= 0

    def _known(self, user_id: Any, history: Any, history_weight: Any) -> tuple[Any, Any, Any]:
        """Looks users and histories up, and leaves out what the model does not know."""
        one_each = tf.debugging.assert_equal(
            tf.shape(history), tf.shape(history_weight), "history_weight must have one weight for each of history"
        )
        with after(one_each):
            history_weight = tf.identity(history_weight)
        place = self.place_of(history)
        row = tf.where(place >= 0, tf.gather(self._row, tf.maximum(place, 0)), -1)
        counts = (row >= 0) & (history_weight > 0) & tf.math.is_finite(history_weight)
        return (
            self._users.lookup(user_id),
            tf.ragged.boolean_mask(row, counts),
            tf.ragged.boolean_mask(history_weight, counts),
        )

    def left_out(self, history: Any, history_weight: Any) -> Any:
        """Places of the items of histories that are not recommended.

        Args:
            history: string `[n, h]`; "" pads.
            history_weight: float32 `[n, h]`.

        Returns:
            int64 `[n, h]`; -1 in the place of an item that may be recommended again, or is unknown.
        """
        return tf.where(is_left_out(history_weight, self._leave_out), self.place_of(history), -1)

    def rank(self, scores: Any, excluded_place: Any, k: Any) -> tuple[Any, Any]:
        """Ranks the catalogue by scores.

        Args:
            scores: float32 `[n, items]`.
            excluded_place: int64 `[n, e]`, places to leave out; -1 pads.
            k: int32 `[n]`, at least 1; cut to the catalogue's size.

        Returns:
            Item ids string `[n, max k]` and scores float32 `[n, max k]`, best first, ties by place; "" and
            `PADDING_SCORE` pad a row that asks for less, or for which fewer items are left.
        """
        with after(tf.debugging.assert_positive(k, "k must be 1 or more in every row")):
            k = tf.identity(k)
        excluded = tf.where(excluded_place >= 0)
        # The zero stands for an empty batch, of which there is no maximum.
        width = tf.reduce_max(tf.concat([k, [0]], axis=0))
        place, score = best_places(scores, excluded[:, 0], tf.gather_nd(excluded_place, excluded), width)
        is_item = (place >= 0) & (tf.range(tf.shape(place)[1]) < k[:, tf.newaxis])
        item_id = tf.where(is_item, tf.gather(self.item_id, tf.maximum(place, 0)), "")
        return item_id, tf.where(is_item, score, PADDING_SCORE)


class _TransformLayer(tft.TransformFeaturesLayer):
    """TFT's layer without AutoGraph, which would spend 3 s on rewriting Keras' own code when the model is saved."""

    @tf.autograph.experimental.do_not_convert
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*args, **kwargs)


def after(check: Any) -> Any:
    """Makes the ops in this context wait for the check. Otherwise the op could fail first, with its own message."""
    return tf.control_dependencies([] if check is None else [check])


def _table(graph: tft.TFTransformOutput, vocabulary: str) -> Any:
    """The lookup table from a vocabulary's entries to their places; -1 for any other string."""
    initializer = tf.lookup.TextFileInitializer(
        graph.vocabulary_file_by_name(vocabulary),
        key_dtype=tf.string,
        key_index=tf.lookup.TextFileIndex.WHOLE_LINE,
        value_dtype=tf.int64,
        value_index=tf.lookup.TextFileIndex.LINE_NUMBER,
    )
    return tf.lookup.StaticHashTable(initializer, default_value=-1)
