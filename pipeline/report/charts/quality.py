"""Draws charts of an evaluation: metrics with their intervals beside the baselines, differences, slices."""

from collections.abc import Mapping
from typing import Any

from documents.evaluation import (
    ITEM_ITEM,
    LAST_BLESSED,
    MODEL,
    POPULARITY,
    RECENT_POPULARITY,
    ContenderMeasurements,
    Measurement,
)
from pipeline.report.charts.drawing import COLOURS, canvas
from pipeline.report.numbers import count, significant

Contenders = Mapping[str, ContenderMeasurements]
"""Measurements of each contender by its name, as in an evaluation."""

CONTENDERS = {
    MODEL: "this model",
    LAST_BLESSED: "last blessed model",
    ITEM_ITEM: "item-item",
    RECENT_POPULARITY: "recent popularity",
    POPULARITY: "popularity",
}
"""The report's name of each contender, in the order of the report."""

MARKERS = {MODEL: "●", LAST_BLESSED: "◆", ITEM_ITEM: "■", RECENT_POPULARITY: "▼", POPULARITY: "▲"}
"""The sign of each contender in a chart's key."""

HIGHER_IS_BETTER = {"recall": True, "ndcg": True, "hit_rate": True, "mrr": True, "coverage": True, "gini": False}
"""Whether higher is better, by metric without its k. Mean popularity and novelty are neither good nor bad."""

_COLOUR = {name: COLOURS[name.replace("_", "-")] for name in CONTENDERS}
_MARKER = {MODEL: "o", LAST_BLESSED: "D", ITEM_ITEM: "s", RECENT_POPULARITY: "v", POPULARITY: "^"}
_ARROW = {True: "↑", False: "↓", None: ""}
_RIGHT = 1.03
"""Space to the right of the largest value, as a factor."""

_ROW = 0.24
"""Height of a row of dots, in inches."""


def contenders_chart(contenders: Contenders, metric: str) -> str:
    """Draws one metric of every contender as a dot on its 95 % interval.

    Args:
        contenders: The evaluation's contenders.
        metric: The metric, such as `ndcg@10`.

    Returns:
        An `<svg>` element; empty if no contender has the metric.
    """
    measured = [(name, contenders[name].metrics.get(metric)) for name in CONTENDERS if name in contenders]
    rows = [(name, found) for name, found in measured if found is not None and found.value is not None]
    if not rows:
        return ""
    description = ", ".join(f"{CONTENDERS[name]} {significant(found.value)}" for name, found in rows)
    with canvas(f"contenders-{_slug(metric)}", f"{metric}: {description}", 0.62 + _ROW * len(rows), 3.2) as drawn:
        axes = drawn.axes()
        axes.set_title(f"{metric} {_ARROW[HIGHER_IS_BETTER.get(metric.split('@')[0])]}".rstrip())
        for y, (name, found) in enumerate(rows):
            _dot(axes, name, found, len(rows) - 1 - y)
        _label_rows(axes, [CONTENDERS[name] for name, _ in rows])
        _room(axes)
    return drawn.svg


def over_k_chart(contenders: Contenders, metric: str) -> str:
    """Draws a metric of every contender over k, as lines within their intervals.

    Args:
        contenders: The evaluation's contenders.
        metric: The name of a metric that has a k, without the k: `recall` or `ndcg`.

    Returns:
        An `<svg>` element; empty if there are fewer than two values of k.
    """
    cuts = sorted(int(name.split("@")[1]) for name in contenders[MODEL].metrics if name.startswith(f"{metric}@"))
    if len(cuts) < 2:
        return ""
    description = f"{metric} at k from {cuts[0]} to {cuts[-1]}, with 95 % intervals; the numbers are in the table"
    with canvas(f"over-k-{_slug(metric)}", description, 2.5) as drawn:
        axes = drawn.axes()
        axes.set_title(f"{metric}@k")
        axes.set_xscale("log")
        for name in reversed([name for name in CONTENDERS if name in contenders]):
            found = [contenders[name].metrics.get(f"{metric}@{k}") for k in cuts]
            points = [
                (k, measurement)
                for k, measurement in zip(cuts, found, strict=True)
                if measurement is not None and measurement.value is not None
            ]
            if not points:
                continue
            at = [k for k, _ in points]
            with_interval = [(k, measurement) for k, measurement in points if measurement.low is not None]
            axes.fill_between(
                [k for k, _ in with_interval],
                [measurement.low for _, measurement in with_interval],
                [measurement.high for _, measurement in with_interval],
                color=_COLOUR[name],
                alpha=0.18,
                linewidth=0,
            )
            axes.plot(
                at,
                [measurement.value for _, measurement in points],
                color=_COLOUR[name],
                marker=_MARKER[name],
                markersize=4,
                linewidth=1.8,
                label=CONTENDERS[name],
            )
        axes.set_xticks(cuts, [str(k) for k in cuts])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc="upper left", fontsize=8.5)
        axes.set_xlabel("k, length of the recommended list")
    return drawn.svg


def differences_chart(differences: Mapping[str, Mapping[str, Measurement]], metrics: tuple[str, ...]) -> str:
    """Draws this model's metrics minus those of each other contender, as dots on intervals, with a line at zero.

    Args:
        differences: The differences by contender and metric.
        metrics: The metrics to show.

    Returns:
        An `<svg>` element; empty if there is nothing to compare with.
    """
    rows = [
        (name, metric, found)
        for metric in metrics
        for name in CONTENDERS
        if (found := differences.get(name, {}).get(metric)) is not None and found.value is not None
    ]
    if not rows:
        return ""
    description = ", ".join(
        f"{metric} {significant(found.value)} from {CONTENDERS[name]}" for name, metric, found in rows
    )
    with canvas("differences", f"This model minus others: {description}", 0.75 + _ROW * len(rows)) as drawn:
        axes = drawn.axes()
        axes.set_title("This model minus others")
        axes.axvline(0, color=COLOURS["ink"], linewidth=1.2)
        for y, (name, _, found) in enumerate(rows):
            _dot(axes, name, found, len(rows) - 1 - y)
        _label_rows(axes, [f"{metric} − {CONTENDERS[name]}" for name, metric, _ in rows])
        _room(axes, from_zero=False)
    return drawn.svg


def slices_chart(contenders: Contenders, slicing: str, metric: str) -> str:
    """Draws a metric in each slice, for this model and the other contenders.

    Args:
        contenders: The evaluation's contenders.
        slicing: The slicing, such as `user_activity`.
        metric: The metric, such as `recall@10`.

    Returns:
        An `<svg>` element of the slices that have users; empty if none has.
    """
    slices = {name: found for name, found in contenders[MODEL].slices[slicing].items() if found.users}
    shown = [name for name in CONTENDERS if name in contenders]
    if not slices:
        return ""
    ours = {slice_: measured_slice.metrics.get(metric) for slice_, measured_slice in slices.items()}
    description = ", ".join(f"{slice_} {significant(found.value if found else None)}" for slice_, found in ours.items())
    height = 0.55 + len(slices) * (0.14 * len(shown) + 0.16)
    with canvas(f"slices-{_slug(slicing)}", f"{metric} by {slicing}: {description}", height, 3.9) as drawn:
        axes = drawn.axes()
        axes.set_title(slicing.replace("_", " "))
        for row, slice_ in enumerate(slices):
            base = len(slices) - 1 - row
            for n, name in enumerate(shown):
                measured_slice = contenders[name].slices.get(slicing, {}).get(slice_)
                found = measured_slice.metrics.get(metric) if measured_slice is not None else None
                if found is not None and found.value is not None:
                    _dot(axes, name, found, base + (len(shown) - 1) * 0.09 - n * 0.18, size=4)
        _label_rows(axes, [f"{name}\n{count(measured_slice.users)} users" for name, measured_slice in slices.items()])
        _room(axes)
    return drawn.svg


def _dot(axes: Any, name: str, found: Measurement, y: float, size: float = 6) -> None:
    if found.low is not None and found.high is not None:
        axes.plot(
            [found.low, found.high], [y, y], color=_COLOUR[name], linewidth=2.4, alpha=0.55, solid_capstyle="round"
        )
    # Not clipped: a dot at zero lies on the axis.
    axes.plot([found.value], [y], color=_COLOUR[name], marker=_MARKER[name], markersize=size, clip_on=False)


def _label_rows(axes: Any, labels: list[str]) -> None:
    axes.set_yticks(range(len(labels)), labels[::-1])
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.grid(visible=False, axis="y")


def _room(axes: Any, *, from_zero: bool = True) -> None:
    """Adds space beside the outermost dots; an axis of a measure that cannot be negative starts at zero."""
    axes.locator_params(axis="x", nbins=4)
    low, high = axes.get_xlim()
    if from_zero and low > -0.1 * high:
        axes.set_xlim(0, high * _RIGHT)


def _slug(name: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in name)
