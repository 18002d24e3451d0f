"""Charts of an evaluation: metrics with their intervals beside the baselines, differences, slices."""

from collections.abc import Mapping
from typing import Any

from documents.evaluation import ITEM_ITEM, LAST_BLESSED, MODEL, POPULARITY, ContenderMeasurements, Measurement
from pipeline.report.charts.drawing import COLOURS, canvas
from pipeline.report.numbers import count, significant

Contenders = Mapping[str, ContenderMeasurements]
"""By name, as in an evaluation."""

CONTENDERS = {
    MODEL: "this model",
    LAST_BLESSED: "last blessed model",
    ITEM_ITEM: "item-item",
    POPULARITY: "popularity",
}
"""Contender to what the report calls it, in the order of the report."""

MARKERS = {MODEL: "●", LAST_BLESSED: "◆", ITEM_ITEM: "■", POPULARITY: "▲"}
"""Contender to the sign that stands for it in a key."""

HIGHER_IS_BETTER = {"recall": True, "ndcg": True, "hit_rate": True, "mrr": True, "coverage": True, "gini": False}
"""Metric, without its k, to which way is better. Mean popularity and novelty are neither good nor bad in themselves."""

_COLOUR = {name: COLOURS[name.replace("_", "-")] for name in CONTENDERS}
_MARKER = {MODEL: "o", LAST_BLESSED: "D", ITEM_ITEM: "s", POPULARITY: "^"}
_ARROW = {True: "↑", False: "↓", None: ""}
_RIGHT = 1.03
"""Room to the right of the largest value."""

_ROW = 0.24
"""Inches of a row of dots."""


def contenders_chart(contenders: Contenders, metric: str) -> str:
    """One metric of every contender, each a dot on its 95 % interval.

    Args:
        contenders: The evaluation's.
        metric: Such as `ndcg@10`.

    Returns:
        An `<svg>` element; empty if no contender has the metric.
    """
    measured = [(name, contenders[name].metrics.get(metric)) for name in CONTENDERS if name in contenders]
    rows = [(name, found) for name, found in measured if found is not None and found.value is not None]
    if not rows:
        return ""
    told = ", ".join(f"{CONTENDERS[name]} {significant(found.value)}" for name, found in rows)
    with canvas(f"contenders-{_slug(metric)}", f"{metric}: {told}", 0.62 + _ROW * len(rows), 3.2) as drawn:
        axes = drawn.axes()
        axes.set_title(f"{metric} {_ARROW[HIGHER_IS_BETTER.get(metric.split('@')[0])]}".rstrip())
        for y, (name, found) in enumerate(rows):
            _dot(axes, name, found, len(rows) - 1 - y)
        _label_rows(axes, [CONTENDERS[name] for name, _ in rows])
        _room(axes)
    return drawn.svg


def over_k_chart(contenders: Contenders, metric: str) -> str:
    """A metric of every contender over k, as lines within their intervals.

    Args:
        contenders: The evaluation's.
        metric: A metric that has a k, without it: `recall` or `ndcg`.

    Returns:
        An `<svg>` element; empty if there are not two k.
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
                (k, of_k) for k, of_k in zip(cuts, found, strict=True) if of_k is not None and of_k.value is not None
            ]
            if not points:
                continue
            at = [k for k, _ in points]
            with_interval = [(k, of_k) for k, of_k in points if of_k.low is not None]
            axes.fill_between(
                [k for k, _ in with_interval],
                [of_k.low for _, of_k in with_interval],
                [of_k.high for _, of_k in with_interval],
                color=_COLOUR[name],
                alpha=0.18,
                linewidth=0,
            )
            axes.plot(
                at,
                [of_k.value for _, of_k in points],
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
        axes.set_xlabel("k, recommendations looked at")
    return drawn.svg


def differences_chart(differences: Mapping[str, Mapping[str, Measurement]], metrics: tuple[str, ...]) -> str:
    """This model minus each other one, as dots on intervals about a line at nothing.

    Args:
        differences: Contender to metric to difference.
        metrics: Which of them.

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
    told = ", ".join(f"{metric} {significant(found.value)} from {CONTENDERS[name]}" for name, metric, found in rows)
    with canvas("differences", f"This model minus others: {told}", 0.75 + _ROW * len(rows)) as drawn:
        axes = drawn.axes()
        axes.set_title("This model minus others")
        axes.axvline(0, color=COLOURS["ink"], linewidth=1.2)
        for y, (name, _, found) in enumerate(rows):
            _dot(axes, name, found, len(rows) - 1 - y)
        _label_rows(axes, [f"{metric} − {CONTENDERS[name]}" for name, metric, _ in rows])
        _room(axes, from_zero=False)
    return drawn.svg


def slices_chart(contenders: Contenders, slicing: str, metric: str) -> str:
    """A metric in each slice, this model's beside the others'.

    Args:
        contenders: The evaluation's.
        slicing: Such as `user_activity`.
        metric: Such as `recall@10`.

    Returns:
        An `<svg>` element of the slices that hold users; empty if none does.
    """
    slices = {name: found for name, found in contenders[MODEL].slices[slicing].items() if found.users}
    shown = [name for name in CONTENDERS if name in contenders]
    if not slices:
        return ""
    ours = {slice_: of_slice.metrics.get(metric) for slice_, of_slice in slices.items()}
    told = ", ".join(f"{slice_} {significant(found.value if found else None)}" for slice_, found in ours.items())
    height = 0.55 + len(slices) * (0.14 * len(shown) + 0.16)
    with canvas(f"slices-{_slug(slicing)}", f"{metric} by {slicing}: {told}", height, 3.9) as drawn:
        axes = drawn.axes()
        axes.set_title(slicing.replace("_", " "))
        for row, slice_ in enumerate(slices):
            base = len(slices) - 1 - row
            for n, name in enumerate(shown):
                of_slice = contenders[name].slices.get(slicing, {}).get(slice_)
                found = of_slice.metrics.get(metric) if of_slice is not None else None
                if found is not None and found.value is not None:
                    _dot(axes, name, found, base + (len(shown) - 1) * 0.09 - n * 0.18, size=4)
        _label_rows(axes, [f"{name}\n{count(of_slice.users)} users" for name, of_slice in slices.items()])
        _room(axes)
    return drawn.svg


def _dot(axes: Any, name: str, found: Measurement, y: float, size: float = 6) -> None:
    if found.low is not None and found.high is not None:
        axes.plot(
            [found.low, found.high], [y, y], color=_COLOUR[name], linewidth=2.4, alpha=0.55, solid_capstyle="round"
        )
    # Not clipped: a dot at nothing stands on the axis.
    axes.plot([found.value], [y], color=_COLOUR[name], marker=_MARKER[name], markersize=size, clip_on=False)


def _label_rows(axes: Any, labels: list[str]) -> None:
    axes.set_yticks(range(len(labels)), labels[::-1])
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.grid(visible=False, axis="y")


def _room(axes: Any, *, from_zero: bool = True) -> None:
    """Space beside the outermost dots; measures that cannot be negative start at nothing, so that lengths compare."""
    axes.locator_params(axis="x", nbins=4)
    low, high = axes.get_xlim()
    if from_zero and low > -0.1 * high:
        axes.set_xlim(0, high * _RIGHT)


def _slug(name: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in name)
