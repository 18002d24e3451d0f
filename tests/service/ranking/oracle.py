"""Ranks a small catalogue with loops, dictionaries and Python's numbers; it shares nothing with the code under test."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from service.ranking.diversity import WINDOW
from service.snapshot.snapshot import Snapshot
from tests.service.snapshots import Item, make_snapshot, write_version

KINDS = {"genres": "category", "brand": "text", "year": "number"}


@dataclasses.dataclass
class Catalogue:
    """Items as plain values, and their snapshot."""

    snapshot: Snapshot
    items: list[Item]
    vectors: list[list[float]]
    popularity: list[float]

    def cosines(self, vector: Sequence[float]) -> list[float]:
        """With each item. Sums of products in float64, not the products of matrices that the code takes."""
        return [math.fsum(products) for products in (np.array(self.vectors) * vector).tolist()]

    @functools.cached_property
    def likeness(self) -> list[list[float]]:
        """The cosines of each item with each item."""
        return [self.cosines(vector) for vector in self.vectors]

    def scores(self, vector: Sequence[float]) -> list[float]:
        """By the definition of the signature `scores`."""
        if not any(vector):
            return self.popularity
        return [
            float(np.float32(cosine)) if any(embedding) else -1.0
            for cosine, embedding in zip(self.cosines(vector), self.vectors, strict=True)
        ]

    def ranking(
        self,
        scores: Sequence[float],
        *,
        left_out: Sequence[int] = (),
        may_come: Callable[[Item], bool] = lambda item: True,
        factor: Callable[[Item], float] = lambda item: 1.0,
        disliked: Sequence[int] = (),
        max_per: tuple[str, int] | None = None,
        diversity: float = 0.0,
        at_most: int = 1_000_000,
    ) -> list[tuple[int, float]]:
        """The whole ranking, or with `diversity` its first part: places with their scores."""
        scored = []
        for place, item in enumerate(self.items):
            if place in left_out or place in disliked or not may_come(item):
                continue
            # In float32, as items whose scores differ less than that are in the order of their places.
            score = np.float32(scores[place])
            likeness = max([0.0, *(min(1.0, self.likeness[other][place]) for other in disliked)])
            score = score - abs(score) * np.float32(likeness)
            factor_here = np.float32(factor(item))
            scored.append((place, float(score * factor_here if score >= 0 else score / factor_here)))
        ranked = sorted(scored, key=lambda pair: (-pair[1], pair[0]))
        if diversity:
            return self._diverse(ranked, diversity, max_per, at_most)
        counts: dict[Any, int] = {}
        return [pair for pair in ranked if self._takes(pair[0], max_per, counts)]

    def _takes(self, place: int, max_per: tuple[str, int] | None, counts: dict[Any, int]) -> bool:
        if max_per is None:
            return True
        values = set(self.items[place].values(max_per[0]))
        if any(counts.get(value, 0) == max_per[1] for value in values):
            return False
        for value in values:
            counts[value] = counts.get(value, 0) + 1
        return True

    def _diverse(
        self, ranked: list[tuple[int, float]], diversity: float, max_per: tuple[str, int] | None, at_most: int
    ) -> list[tuple[int, float]]:
        counts: dict[Any, int] = {}
        chosen: list[tuple[int, float]] = []
        for start in range(0, len(ranked), WINDOW):
            left = ranked[start : start + WINDOW]
            low, high = min(score for _, score in left), max(score for _, score in left)
            relevance = {place: (score - low) / (high - low) if high > low else 0.0 for place, score in left}
            nearest = {
                place: max((self.likeness[other][place] for other, _ in chosen), default=None) for place, _ in left
            }
            while left and len(chosen) < at_most:
                value = {
                    place: relevance[place]
                    if (likeness := nearest[place]) is None
                    else (1 - diversity) * relevance[place] - diversity * likeness
                    for place, _ in left
                }
                best = max(left, key=lambda pair: value[pair[0]])
                left.remove(best)
                if self._takes(best[0], max_per, counts):
                    chosen.append(best)
                    of_best = self.likeness[best[0]]
                    for place, _ in left:
                        before = nearest[place]
                        nearest[place] = of_best[place] if before is None else max(before, of_best[place])
        return chosen


def make_catalogue(folder: Path, n: int, *, dim: int = 6, seed: int = 5, unembedded: float = 0.1) -> Catalogue:
    """A catalogue of random items, some without embedding, some with the same embedding or popularity."""
    rng = np.random.default_rng(seed)
    genres = ["drama", "comedy", "horror", "western"]
    items = [
        Item(
            f"i{place}",
            f"Title {place}",
            first_time=None if rng.random() < 0.2 else int(rng.integers(0, 50)),
            features={
                "genres": rng.choice(genres, int(rng.integers(0, 3)), replace=False).tolist(),
                "brand": [["x"], ["y"], [""], None][int(rng.integers(0, 4))],
                "year": [float(rng.integers(1980, 2020))],
            },
        )
        for place in range(n)
    ]
    embedding = rng.normal(size=(n, dim)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    embedding[rng.random(n) < unembedded] = 0
    embedding[n // 2] = embedding[n // 3]
    popularity = rng.integers(0, max(n // 4, 2), n).astype(np.float32) / np.float32(n)
    version = write_version(folder / "version", items, KINDS)
    snapshot = make_snapshot(
        folder / "made", [item.item_id for item in items], embedding=embedding, popularity=popularity, version=version
    )
    return Catalogue(snapshot, items, embedding.tolist(), popularity.tolist())


def queries(n: int, dim: int = 6, seed: int = 9) -> np.ndarray:
    """Unit vectors float32 `[n, dim]`; the last is zero."""
    vectors = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[-1] = 0
    return vectors


def assert_is(found: Any, expected: Sequence[tuple[int, float]]) -> None:
    """Compares a ranking with the oracle's: the same places, and scores as near as float32 is."""
    assert found.places.tolist() == [place for place, _ in expected]
    for one, (_, score) in zip(found.scores.tolist(), expected, strict=True):
        assert math.isclose(one, score, rel_tol=1e-5, abs_tol=1e-5)
