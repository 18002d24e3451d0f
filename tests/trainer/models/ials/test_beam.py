"""The training in Beam against the training in memory."""

from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest

from tests.trainer.models.ials.worlds import settings_of
from tests.trainer.worlds import candidates_of, random_histories
from trainer.models.ials import beam as ials_beam
from trainer.models.ials.beam import TrainItemFactors
from trainer.models.ials.fit import fit, initial_factors
from trainer.models.ials.solve import Entries, entries_of

ITEMS = 30


def in_beam(shards: list[Entries], settings, folder: Path) -> np.ndarray:
    file = folder / "factors.npy"
    with beam.Pipeline("DirectRunner") as pipeline:
        _ = (
            pipeline
            | beam.Create(shards)
            | TrainItemFactors(initial_factors(ITEMS, settings.embedding_dim, seed=0), settings)
            | beam.Map(lambda factors: np.save(file, factors))
        )
    return np.load(file)


@pytest.mark.parametrize("values_a_block", [1 << 20, 21 * 4])
def test_train_item_factors_shards_equal_training_in_memory(values_a_block, tmp_path, monkeypatch):
    monkeypatch.setattr(ials_beam, "_VALUES_A_BLOCK", values_a_block)
    histories, settings = random_histories(60, ITEMS, seed=3), settings_of(iterations=3)
    shards = [entries_of(histories.take(np.arange(start, 60, 4))) for start in range(4)]
    factors = in_beam(shards, settings, tmp_path)

    whole = fit(histories, candidates_of(range(ITEMS)), np.ones(ITEMS, np.float32), settings, seed=0)
    np.testing.assert_allclose(factors, whole.item_embedding, rtol=1e-3, atol=1e-4)


def test_train_item_factors_item_that_nobody_met_is_zero(tmp_path):
    histories = random_histories(20, ITEMS - 1, seed=3)
    factors = in_beam([entries_of(histories)], settings_of(iterations=1), tmp_path)
    met = np.isin(np.arange(ITEMS), histories.item)
    np.testing.assert_array_equal(np.any(factors != 0, axis=1), met)
    assert not met.all()
