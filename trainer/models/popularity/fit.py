"""Counts interactions; nothing is learned."""

from typing import Any

import tensorflow as tf

from configs.models.popularity import Popularity
from serving_signatures.served_model import ServedModel
from trainer.fitting import Fitted, Training


def architecture(settings: Popularity) -> str:
    """How the model works."""
    return "popularity: the same scores for everybody"


def fit(training: Training, settings: Popularity) -> Fitted:
    """Makes the model; see `trainer.fitting`."""
    training.begin({}, 1)
    return Fitted(PopularityModel(training.data.candidates.items), settings)


class PopularityModel(ServedModel):
    """Knows nothing of anybody, so that everybody gets what the Retriever gives to the unknown: the popular items."""

    def __init__(self, items: int) -> None:
        """Takes the size of the catalogue."""
        super().__init__(name="popularity_model")
        self._items = tf.Variable(items, trainable=False, name="items")

    def scores(self, user: Any, history: Any, weight: Any) -> tuple[Any, Any]:
        """No scores for anybody; see `ServedModel.scores`."""
        return self._nothing(tf.size(user))

    def similar(self, place: Any) -> tuple[Any, Any]:
        """No item is like another one; see `ServedModel.similar`."""
        return self._nothing(tf.size(place))

    def _nothing(self, rows: Any) -> tuple[Any, Any]:
        return tf.zeros([rows, self._items]), tf.zeros([rows], tf.bool)
