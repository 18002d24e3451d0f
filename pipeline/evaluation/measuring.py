"""Measures all contenders on the same users and resamples, and combines the figures for evaluation.json."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from configs.evaluation import LIST_K, Evaluation
from documents.evaluation import (
    ITEM_ITEM,
    LAST_BLESSED,
    MODEL,
    POPULARITY,
    RECENT_POPULARITY,
    ContenderMeasurements,
    Measurement,
    SliceMeasurements,
)
from pipeline.evaluation import measures
from pipeline.evaluation.measures import Figure, Slices
from trainer import bootstrap
from trainer.bootstrap import ConfidenceInterval
from trainer.targets import Targets

_SPREAD = {f"coverage@{LIST_K}": measures.coverage, f"gini@{LIST_K}": measures.gini}
"""Metrics of all lists together, which are not sums over users."""


class Measurements(NamedTuple):
    """The measured figures.

    Attributes:
        figures: Contender to its figures.
        resampled: Contender to its figures in each resample, `[resamples]`; the resamples are the same for all.
    """

    figures: dict[str, dict[Figure, ConfidenceInterval]]
    resampled: dict[str, dict[Figure, npt.NDArray[np.float64]]]

    def differences(
        self, model: str = MODEL, others: Sequence[str] = (POPULARITY, RECENT_POPULARITY, ITEM_ITEM, LAST_BLESSED)
    ) -> dict[str, dict[str, ConfidenceInterval]]:
        """How much better a contender is than others, over all users.

        Args:
            model: The contender; nothing is returned if it was not measured.
            others: The others; one that was not measured is left out.

        Returns:
            Other contender to metric to the model's value minus the other's.
        """
        if model not in self.figures:
            return {}
        return {
            other: {
                metric: bootstrap.percentile_interval(
                    figure.value - self.figures[other]["", "", metric].value,
                    self.resampled[model]["", "", metric] - self.resampled[other]["", "", metric],
                )
                for (kind, _, metric), figure in self.figures[model].items()
                if not kind
            }
            for other in others
            if other in self.figures
        }

    def over_all_users(self) -> dict[str, dict[str, ConfidenceInterval]]:
        """Returns contender to metric to value, without the slices."""
        return {
            name: {metric: figure for (kind, _, metric), figure in figures.items() if not kind}
            for name, figures in self.figures.items()
        }


def measure(
    rankings: Mapping[str, npt.NDArray[np.int32]],
    targets: Targets,
    count: npt.NDArray[np.int64],
    slices: Slices,
    settings: Evaluation,
) -> Measurements:
    """Measures contenders.

    Args:
        rankings: Contender to `[users, max(top_k)]` places, as in `measures.user_sums`.
        targets: The items that were held out from the same users; at least one user has some.
        count: `[items]`, the number of training interactions.
        slices: The slices.
        settings: The cuts and the bootstrap.

    Returns:
        The figures with their intervals.
    """
    items = len(count)
    sums = {
        name: measures.user_sums(ranked, targets, count, slices, settings.top_k) for name, ranked in rankings.items()
    }
    shown = {name: measures.exposure(ranked, items) for name, ranked in rankings.items()}
    values, resampled = _resample(sums, shown, settings)
    figures: dict[str, dict[Figure, ConfidenceInterval]] = {}
    for name in rankings:
        figures[name] = {}
        for figure, value in values[name].items():
            if figure[2] in _SPREAD:
                interval = bootstrap.centred_interval(value, resampled[name][figure])
            elif np.count_nonzero(sums[name][figure].denominator) < 2:
                interval = ConfidenceInterval(value, np.nan, np.nan)  # with one user, all resamples are the same
            else:
                interval = bootstrap.percentile_interval(value, resampled[name][figure])
            figures[name][figure] = interval
    return Measurements(figures, resampled)


def _resample(
    sums: Mapping[str, Mapping[Figure, measures.Sums]],
    shown: Mapping[str, Any],
    settings: Evaluation,
) -> tuple[dict[str, dict[Figure, float]], dict[str, dict[Figure, npt.NDArray[np.float64]]]]:
    """Computes each contender's figures over all users, and over each resample: `[resamples]`."""
    users = next(iter(shown.values())).shape[1]
    values = {name: {figure: ratio.value for figure, ratio in figures.items()} for name, figures in sums.items()}
    for name, matrix in shown.items():
        all_shown = _counts(matrix, np.ones((1, users), np.float32))[0]
        values[name] |= {("", "", metric): spread(all_shown) for metric, spread in _SPREAD.items()}
    columns = {
        name: (_columns([s.numerator for s in figures.values()]), _columns([s.denominator for s in figures.values()]))
        for name, figures in sums.items()
    }
    parts: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in sums}
    for drawn in bootstrap.weights(users, settings.resamples, settings.seed):
        for name, (numerator, denominator) in columns.items():
            spread = [[metric(counts) for metric in _SPREAD.values()] for counts in _each_count(shown[name], drawn)]
            parts[name].append(np.column_stack([bootstrap.ratios(drawn, numerator, denominator), spread]))
    resampled = {}
    for name, blocks in parts.items():
        table = np.concatenate(blocks)
        order: list[Figure] = [*sums[name], *(("", "", metric) for metric in _SPREAD)]
        resampled[name] = {figure: table[:, n] for n, figure in enumerate(order)}
    return values, resampled


def _columns(user_values: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float32]:
    return np.column_stack(user_values).astype(np.float32)


_COUNTS_A_BLOCK = 1 << 24


def _each_count(shown: Any, drawn: npt.NDArray[np.float32]) -> Any:
    """Yields the items' counts of each resample; it computes a few resamples at a time."""
    step = max(1, _COUNTS_A_BLOCK // shown.shape[0])
    for start in range(0, len(drawn), step):
        yield from _counts(shown, drawn[start : start + step])


def _counts(shown: Any, drawn: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Returns `[resamples, items]`: how often each item is shown."""
    return np.ascontiguousarray((shown @ drawn.T).T).astype(np.int64)


def contenders(
    measured: Measurements, slices: Slices, targets: Targets, settings: Evaluation
) -> dict[str, ContenderMeasurements]:
    """Combines the figures of each contender.

    Args:
        measured: The result of `measure`.
        slices: The slices.
        targets: The items that were held out.
        settings: Which metrics there are, in their order.

    Returns:
        The figures by contender.
    """
    sizes = slice_users(slices, targets)
    return {
        name: ContenderMeasurements(
            metrics={metric: measurement(figures["", "", metric]) for metric in settings.metrics},
            slices={
                kind: {
                    part: SliceMeasurements(
                        users=sizes[f"{kind}/{part}"],
                        metrics={m: measurement(figures[kind, part, m]) for m in measures.SLICE_METRICS},
                    )
                    for part in parts
                }
                for kind, parts in slices.items()
            },
        )
        for name, figures in measured.figures.items()
    }


def differences(measured: Measurements, settings: Evaluation) -> dict[str, dict[str, Measurement]]:
    """Returns the model's differences by other contender and metric; the metrics are in the order of the settings."""
    return {
        other: {metric: measurement(intervals[metric]) for metric in settings.metrics}
        for other, intervals in measured.differences().items()
    }


def slice_users(slices: Slices, targets: Targets) -> dict[str, int]:
    """Returns `<kind>/<slice>` to the number of its users, who are those with a target in it."""
    return {
        f"{kind}/{name}": len(np.unique(targets.row[mask]))
        for kind, masks in slices.items()
        for name, mask in masks.items()
    }


def measurement(interval: ConfidenceInterval) -> Measurement:
    """Converts an interval; numbers that are not finite become None."""
    return Measurement(value=finite(interval.value), low=finite(interval.low), high=finite(interval.high))


def finite(number: float | None) -> float | None:
    """Returns a number, or None for one that is not finite, which JSON cannot represent."""
    return float(number) if number is not None and np.isfinite(number) else None
