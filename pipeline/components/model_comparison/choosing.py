"""Chooses a candidate by what its lists were worth to each user of the validation."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer import bootstrap
from trainer.bootstrap import ConfidenceInterval


@dataclass(frozen=True)
class Choice:
    """Which candidate won.

    Attributes:
        winner: Its name.
        reason: Why: a sentence for people.
        values: Candidate to its mean over the users; the best first.
        behind: Candidate to how far it is behind the best.
    """

    winner: str
    reason: str
    values: dict[str, ConfidenceInterval]
    behind: dict[str, ConfidenceInterval]


def choose(
    by_user: Mapping[str, npt.NDArray[np.float64]], seconds: Mapping[str, float], resamples: int, seed: int
) -> Choice:
    """Chooses the best; but if others are not clearly worse, the one of them that was trained in the least time.

    Args:
        by_user: Candidate to the metric of each user, `[users]`; the users are the same.
        seconds: Candidate to the seconds of its training.
        resamples: Number of bootstrap resamples.
        seed: Their seed.

    Returns:
        The choice. A candidate is clearly worse if the paired 95 % interval of its difference from the best lies on one
        side of zero.
    """
    names = sorted(by_user, key=lambda name: -float(np.mean(by_user[name])))
    values = np.column_stack([by_user[name] for name in names])
    ones = np.ones((len(values), 1), np.float32)
    drawn = np.concatenate(
        [
            bootstrap.ratios(some, values.astype(np.float32), ones)
            for some in bootstrap.weights(len(values), resamples, seed)
        ]
    )
    mean = values.mean(axis=0)
    best = names[0]
    means = {name: bootstrap.percentile_interval(float(mean[n]), drawn[:, n]) for n, name in enumerate(names)}
    behind = {
        name: bootstrap.percentile_interval(float(mean[0] - mean[n]), drawn[:, 0] - drawn[:, n])
        for n, name in enumerate(names)
        if name != best
    }
    tied = [name for name, difference in behind.items() if not difference.low > 0]
    winner = min([best, *tied], key=lambda name: seconds[name])
    return Choice(winner, _reason(best, winner, tied, behind, seconds), means, behind)


def _reason(
    best: str, winner: str, tied: list[str], behind: Mapping[str, ConfidenceInterval], seconds: Mapping[str, float]
) -> str:
    if not behind:
        return f"{winner} is the only candidate that can be chosen."
    if not tied:
        return f"{best} is better than every other candidate: the interval of each difference lies above zero."
    others = ", ".join(f"{name} ({behind[name].low:+.4f} to {behind[name].high:+.4f})" for name in tied)
    if winner == best:
        return f"{best} is the best; not clearly worse, but trained in more time: {others}."
    return (
        f"{best} is the best, but not clearly better than {others}; of these, {winner} was trained in the least time, "
        f"{seconds[winner]:.1f} s."
    )
