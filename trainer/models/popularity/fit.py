"""Counts interactions; nothing is learned."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from configs.models.popularity import Popularity
from serving_signatures.served_model import ServedModel
from trainer.fitting import Fitted, Training
from trainer.popularity import recent_popularity


def architecture(settings: Popularity) -> str:
    """How the model works."""
    return "popularity: the same scores for everybody"


def fit(training: Training, settings: Popularity) -> Fitted:
    """Makes the model; see `trainer.fitting`.

    Raises:
        TrainingError: The last days are to be counted, and the log has no times.
    """
    data, items = training.data, training.data.candidates.items
    training.begin({}, 1)
    if settings.days is None:
        return Fitted(PopularityModel(items), settings)
    recent = recent_popularity(data.interactions.with_items(data.candidates.place), items, settings.days)
    return Fitted(RecentPopularityModel(recent.astype(np.float32)), settings)


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


class RecentPopularityModel(ServedModel):
    """Scores each item by how popular it was in the last days, for everybody the same."""

    def __init__(self, popularity: npt.NDArray[np.float32]) -> None:
        """Takes the popularity, float32 `[items]`."""
        super().__init__(name="recent_popularity_model")
        self._popularity = tf.Variable(popularity, trainable=False, name="recent_popularity")

    def scores(self, user: Any, history: Any, weight: Any) -> tuple[Any, Any]:
        """The popularity, for everybody, also without a history; see `ServedModel.scores`."""
        users = tf.size(user)
        return tf.tile(self._popularity[tf.newaxis], [users, 1]), tf.ones([users], tf.bool)

    def similar(self, place: Any) -> tuple[Any, Any]:
        """No item is like another one; see `ServedModel.similar`."""
        places = tf.size(place)
        return tf.zeros([places, tf.size(self._popularity)]), tf.zeros([places], tf.bool)
