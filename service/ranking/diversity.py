"""Makes lists of items that are unlike each other, by maximal marginal relevance.

Carbonell and Goldstein, The Use of MMR, Diversity-Based Reranking for Reordering Documents and Producing Summaries
(SIGIR 1998): next comes the item with the largest `(1 - d) * relevance - d * likeness`, where likeness is the largest
cosine with an item that has come before. Relevance is the score, stretched to 0 to 1 within the window, so that d means
the same for cosines, boosted scores and popularity.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from service.ranking.begun import Ranked
from service.ranking.max_per import Limiter
from service.ranking.scoring import Scores
from service.snapshot.features import Places

WINDOW = 200
"""Items of the ranking that are reordered together, then the next so many. It depends on nothing that a query asks, so
the order is the same for all pages. 200 are twenty pages of ten, of which each choice costs some microseconds."""


def diverse(
    row: Ranked, embedding: npt.NDArray[np.float32], diversity: float, limiter: Limiter | None, m: int
) -> tuple[Places, Scores]:
    """The first m of a ranking, reordered.

    Args:
        row: The ranking.
        embedding: float32 `[items, dim]`.
        diversity: Above 0, at most 1.
        limiter: What may be taken; None for everything.
        m: At least 1.

    Returns:
        Places int64 and scores float32 `[m]`; fewer if the ranking ends.
    """
    places: list[int] = []
    scores: list[float] = []
    chosen = np.zeros((0, embedding.shape[1]), np.float32)
    for window, score in _windows(row):
        vectors = embedding[window]
        picked: list[int] = []
        for position in _order(vectors, score, diversity, chosen, _takes(limiter, window)):
            places.append(int(window[position]))
            scores.append(float(score[position]))
            if len(places) == m:
                return np.array(places, np.int64), np.array(scores, np.float32)
            picked.append(position)
        chosen = np.concatenate([chosen, vectors[picked]])
    return np.array(places, np.int64), np.array(scores, np.float32)


def _takes(limiter: Limiter | None, window: Places) -> Callable[[int], bool]:
    """Whether the item at a position may come; if so, it is counted."""
    if limiter is None:
        return lambda position: True
    values = limiter.values_of(window)
    return lambda position: limiter.take(values[position])


def _windows(row: Ranked) -> Iterator[tuple[Places, Scores]]:
    """The ranking in windows."""
    done, length = 0, WINDOW
    while True:
        places, scores = row.best(length)
        for start in range(done, len(places), WINDOW):
            yield places[start : start + WINDOW], scores[start : start + WINDOW]
        if len(places) < length:
            return
        done, length = length, 2 * length


def _order(
    vectors: npt.NDArray[np.float32],
    scores: Scores,
    diversity: float,
    chosen: npt.NDArray[np.float32],
    takes: Callable[[int], bool],
) -> Iterator[int]:
    """Positions within a window, one after the other, after those that were chosen before."""
    spread = scores.max() - scores.min()
    relevance = (scores - scores.min()) / spread if spread else np.zeros_like(scores)
    likeness = (vectors @ chosen.T).max(axis=1) if len(chosen) else np.full(len(vectors), -np.inf, np.float32)
    left = np.ones(len(vectors), np.bool_)
    while left.any():
        # Before the first choice nothing is like anything, and relevance alone decides.
        value = relevance if likeness[0] == -np.inf else (1 - diversity) * relevance - diversity * likeness
        position = int(np.argmax(np.where(left, value, -np.inf)))
        left[position] = False
        if takes(position):
            likeness = np.maximum(likeness, vectors @ vectors[position])
            yield position
