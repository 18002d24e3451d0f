"""The popularity of the last days: what it scores, and what it needs."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from common.errors import TrainingError
from configs.models.popularity import Popularity
from tests.trainer.worlds import candidates_of, interactions_of
from trainer.choosing import evaluator_of
from trainer.data import TrainingData
from trainer.fitting import Training
from trainer.models.popularity.fit import fit
from trainer.popularity import popularity_shares

CANDIDATES = candidates_of([1, -1, 0, 2])
"""Row 0 is at place 2, row 1 at place 0, row 2 at place 3; place 1 is cold."""


def training(folder: Path, timestamp: Any) -> Training:
    train = dataclasses.replace(interactions_of([[0, 0, 1], [2]], [[], ["3"]]), timestamp=timestamp)
    popularity = popularity_shares(train.with_items(CANDIDATES.place), 4)
    data = TrainingData(train, train, CANDIDATES, popularity, [b"u", b"v"], [b"2", b"0", b"3"], {})
    evaluator = evaluator_of(data, Popularity(), "everything")
    return Training(data, evaluator, False, None, lambda *_: None, str(folder))


def test_everybody_gets_what_was_popular_in_the_last_days(tmp_path: Path) -> None:
    day = 86_400
    model = fit(training(tmp_path, np.array([0, day, 9 * day, 10 * day])), Popularity(days=2)).model
    nothing = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int32), [0, 0])
    scores, is_known = model.scores(tf.constant([-1, 0], tf.int64), nothing, tf.cast(nothing, tf.float32))
    assert is_known.numpy().tolist() == [True, True]
    expected = (np.array([1, 0, 0, 1]) + np.array([1, 0, 2, 1]) / 4) / 3
    np.testing.assert_allclose(scores, [expected, expected], rtol=1e-6)


def test_log_without_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the log has no times"):
        fit(training(tmp_path, None), Popularity(days=2))
