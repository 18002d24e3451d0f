"""The largest scores of a row, against a sort."""

import numpy as np
import pytest

from service.index.best import largest


@pytest.mark.parametrize("items", [1, 5, 255, 256, 512, 513, 4099, 30_000])
@pytest.mark.parametrize("m", [1, 2, 10, 63, 64, 5000, 40_000])
@pytest.mark.parametrize("kind", ["random", "few values", "mostly left out", "ascending", "all left out"])
def test_largest_holds_the_m_largest_and_what_is_within_the_margin(items: int, m: int, kind: str) -> None:
    rng = np.random.default_rng(items + m)
    scores = rng.normal(size=items).astype(np.float32)
    if kind == "few values":
        scores = np.round(scores)
    if kind == "mostly left out":
        scores[rng.random(items) < 0.99] = -np.inf
    if kind == "ascending":
        scores.sort()
    if kind == "all left out":
        scores[:] = -np.inf
    there = sorted((score for score in scores.tolist() if score > -np.inf), reverse=True)
    for margin in (0.0, 0.01):
        found = largest(scores, m, margin)
        least = there[m - 1] if len(there) >= m else -np.inf
        limit = float(np.float32(least) - np.float32(margin))
        expected = [n for n, score in enumerate(scores.tolist()) if score > -np.inf and score >= limit]
        assert found.tolist() == expected
