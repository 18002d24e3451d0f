"""Compares the metrics of two evaluations, and says in sentences what changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from documents.evaluation import MODEL, POPULARITY, EvaluationReport

SUMMED_UP = ("recall@10", "ndcg@10")
"""Metrics that the sentences are about."""


@dataclass(frozen=True)
class Interval:
    """A metric with its 95 % interval; an end is None where the evaluation could not compute it."""

    value: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        """Writes it as `0.175 [0.160, 0.190]`."""
        ends = f" [{self.low:.3f}, {self.high:.3f}]" if self.low is not None and self.high is not None else ""
        return f"{self.value:.3f}{ends}"

    def clear_of(self, other: "Interval") -> bool:
        """Tells whether the two intervals do not overlap; an interval with an unknown end counts as overlapping."""
        ends = (self.low, self.high, other.low, other.high)
        if any(end is None for end in ends):
            return False
        low, high, other_low, other_high = (float(end) for end in ends if end is not None)
        return low > other_high or high < other_low


@dataclass(frozen=True)
class Measured:
    """One metric of one contender in both runs."""

    contender: str
    metric: str
    before: Interval
    after: Interval


def measured(before: EvaluationReport | None, after: EvaluationReport | None) -> tuple[Measured, ...]:
    """Pairs the metrics of the model and of popularity that both evaluations have.

    Args:
        before: An evaluation; None where there is none.
        after: Another.
    """
    return tuple(
        Measured(contender, metric, old, new)
        for contender in (MODEL, POPULARITY)
        for metric, old in _metrics(before, contender).items()
        if (new := _metrics(after, contender).get(metric)) is not None
    )


def _metrics(evaluation: EvaluationReport | None, contender: str) -> dict[str, Interval]:
    if evaluation is None or contender not in evaluation.contenders:
        return {}
    return {
        name: Interval(measurement.value, measurement.low, measurement.high)
        for name, measurement in evaluation.contenders[contender].metrics.items()
        if measurement.value is not None
    }


def sentences(metrics: Sequence[Measured]) -> list[str]:
    """Says whether the model changed or the task became easier or harder, which popularity's metric shows."""
    lines = []
    for metric in SUMMED_UP:
        found = {m.contender: m for m in metrics if m.metric == metric}
        if MODEL in found:
            lines.append(_moved(metric, found[MODEL]))
        if MODEL in found and POPULARITY in found:
            lines.append(_task(metric, found[POPULARITY]))
    return lines or ["There are no two evaluations to compare."]


def _moved(metric: str, model: Measured) -> str:
    if model.before == model.after:
        return f"{metric} is the same: {model.after}."
    way = "rose" if model.after.value > model.before.value else "fell"
    chance = "" if model.after.clear_of(model.before) else ", which may be chance"
    return f"{metric} {way} from {model.before} to {model.after}{chance}."


def _task(metric: str, popularity: Measured) -> str:
    both = f"Popularity's {metric}, on the same users as the model: {popularity.before}, then {popularity.after}"
    if not popularity.after.clear_of(popularity.before):
        return f"{both}; the data is about as hard as before."
    harder = popularity.after.value < popularity.before.value
    return f"{both}; the data got {'harder' if harder else 'easier'} for every model."
