"""Defines what a trained model answers: plain TensorFlow operations, on numbers in place of ids.

The Retriever looks ids up before, and leaves items out, falls back to popularity and ranks after it.
"""

import abc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from serving_signatures.ranking import cosines, is_embedded


class ServedModel(tf.Module, abc.ABC):
    """A model of any kind. What it holds is in variables, so that the graph has no large constant."""

    @abc.abstractmethod
    def scores(self, user: Any, history: Any, weight: Any) -> tuple[Any, Any]:
        """Scores all items for users.

        Args:
            user: int64 `[n]`, places in the user vocabulary; -1 for an unknown user.
            history: int32 RaggedTensor `[n, (h)]`, rows of interacted items, oldest first.
            weight: float32 RaggedTensor of the same shape, above zero, finite and of any size: only ratios count.

        Returns:
            float32 `[n, items]`, by place in the catalogue, the larger the better; and bool `[n]`, whether the model
            knows anything of the user or the history. If not, the row has no meaning.
        """

    @abc.abstractmethod
    def similar(self, place: Any) -> tuple[Any, Any]:
        """Says how like every item is to some items.

        Args:
            place: int64 `[n]`, places in the catalogue.

        Returns:
            float32 `[n, items]`, the larger the more alike; the item itself has some score; and bool `[n]`, whether the
            model knows anything of the item. If not, the row has no meaning.
        """


class CosineModel(ServedModel):
    """A model that places users and items in one space: scores are cosines.

    Its embeddings have signatures of their own, so that a client can rank by itself.

    Attributes:
        embedding: Variable float32 `[items, dim]`, of length 1; zero if nothing is known about the item.
    """

    def __init__(
        self,
        embed: Callable[[Any, Any, Any], Any],
        variables: Sequence[Any],
        embedding: npt.NDArray[np.float32],
    ) -> None:
        """Makes the model from its parts.

        Args:
            embed: Takes the arguments of `scores`, and gives float32 `[n, dim]`, of length 1; zero if nothing is known.
            variables: The variables that `embed` reads.
            embedding: float32 `[items, dim]`, as the attribute.
        """
        super().__init__(name="cosine_model")
        self._embed, self._variables = embed, list(variables)
        self.embedding = tf.Variable(embedding, trainable=False, name="embedding")

    def embed(self, user: Any, history: Any, weight: Any) -> Any:
        """Embeds users; see `scores` for the arguments.

        Returns:
            float32 `[n, dim]`, of length 1; zero if nothing is known.
        """
        return self._embed(user, history, weight)

    def embed_items(self, place: Any) -> Any:
        """Embeddings float32 `[n, dim]` of places int64 `[n]`; zero for a place outside the catalogue."""
        is_place = (place >= 0) & (place < tf.shape(self.embedding, tf.int64)[0])
        return tf.where(is_place[:, tf.newaxis], tf.gather(self.embedding, tf.where(is_place, place, 0)), 0.0)

    def scores(self, user: Any, history: Any, weight: Any) -> tuple[Any, Any]:
        """Cosines, and -1, the lowest cosine, for an item without an embedding; see `ServedModel.scores`."""
        return self._near(self.embed(user, history, weight))

    def similar(self, place: Any) -> tuple[Any, Any]:
        """Cosines, as in `scores`; see `ServedModel.similar`."""
        return self._near(self.embed_items(place))

    def _near(self, vectors: Any) -> tuple[Any, Any]:
        return cosines(vectors, self.embedding), is_embedded(vectors)
