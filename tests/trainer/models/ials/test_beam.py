"""The training in Beam against the training in memory."""

from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest

from tests.trainer.models.ials.worlds import settings_of
from tests.trainer.worlds import candidates_of, random_histories
from trainer.models.ials import beam as ials_beam
from trainer.models.ials.beam import TrainItemFactors
from trainer.models.ials.entries import Entries, entries_of
from trainer.models.ials.fit import factorised, initial_factors

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
    shards.append(entries_of(histories.take(np.zeros(0, np.int64))))  # nobody
    factors = in_beam(shards, settings, tmp_path)

    whole = factorised(histories, candidates_of(range(ITEMS)), settings)
    np.testing.assert_allclose(factors, whole.item_embedding, rtol=1e-3, atol=1e-4)


def test_train_item_factors_item_that_nobody_met_is_zero(tmp_path):
    histories = random_histories(20, ITEMS - 1, seed=3)
    factors = in_beam([entries_of(histories)], settings_of(iterations=1), tmp_path)
    met = np.isin(np.arange(ITEMS), histories.item)
    np.testing.assert_array_equal(np.any(factors != 0, axis=1), met)
    assert not met.all()


def test_add_parts_on_several_workers_adds_as_on_one():
    rng = np.random.default_rng(0)
    parts = [(rng.permutation(4)[:n], rng.normal(size=(n, 21)).astype(np.float32)) for n in (1, 4, 2, 3)]
    combine = ials_beam._AddParts(4, dim=5)
    workers = [combine.create_accumulator() for _ in range(3)]  # the last has nothing to add
    for number, part in enumerate(parts):
        workers[number % 2] = combine.add_input(workers[number % 2], part)
    expected = np.zeros((4, 21))
    for items, values in parts:
        for item, value in zip(items, values, strict=True):
            expected[item] += value
    np.testing.assert_allclose(combine.extract_output(combine.merge_accumulators(workers)), expected, rtol=1e-5)
