"""Chunks of rows, held against their bound."""

import numpy as np
import pytest

from trainer.chunks import chunks, padded_chunks

MOST = 100


@pytest.mark.parametrize("seed", range(4))
def test_chunks_hold_every_row_once_in_order_and_no_more_than_fits(seed: int) -> None:
    values = np.random.default_rng(seed).integers(1, 60, 200)
    values[::50] = MOST + 1
    cut = list(chunks(values, MOST))
    assert np.concatenate([np.arange(200)[rows] for rows in cut]).tolist() == list(range(200))
    for rows, following in zip(cut, [*cut[1:], None], strict=True):
        held = values[rows]
        assert held.sum() <= MOST or len(held) == 1
        assert following is None or held.sum() + values[following][0] > MOST  # else it would have fitted


@pytest.mark.parametrize("longest", [40, MOST + 1, 10**9])
def test_padded_chunks_many_short_rows_and_one_long_stay_within_the_bound(longest: int) -> None:
    values = np.random.default_rng(0).integers(1, 6, 500)
    values[123] = longest
    cut = list(padded_chunks(values, MOST))
    assert sorted(np.concatenate(cut).tolist()) == list(range(500))
    for rows in cut:
        assert len(rows) * values[rows].max() <= MOST or len(rows) == 1
        assert values[rows[-1]] == values[rows].max()
    # Rows of three on average, a hundred values a piece: padding may not make many more pieces of it.
    assert len(cut) < 30


def test_chunks_of_nothing_are_none() -> None:
    nothing = np.zeros(0, np.int64)
    assert [list(chunks(nothing, MOST)), list(padded_chunks(nothing, MOST))] == [[], []]
