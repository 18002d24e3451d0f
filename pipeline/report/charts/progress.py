"""Draws charts of a run's steps: cleaning, learning, vocabularies, latencies, times of components."""

from collections.abc import Mapping, Sequence
from typing import Any

from documents.cleaning import CleaningReport
from documents.metrics import Epoch
from documents.serving_check import SignatureCheck
from documents.warm_start import TableRows
from pipeline.report.charts.drawing import COLOURS, canvas
from pipeline.report.numbers import count, duration, significant

_BAR = 0.27
"""Height of a bar with its gap, in inches."""


def cleaning_chart(cleaning: CleaningReport) -> str:
    """Draws how many interactions each cleaning step left, as bars.

    Args:
        cleaning: The report.

    Returns:
        An `<svg>` element.
    """
    rows = [("rows of the files", cleaning.rows), ("readable", cleaning.rows - cleaning.bad_rows)]
    rows += [(step.step.replace("_", " "), step.rows_out) for step in cleaning.steps]
    description = ", ".join(f"{name} {count(left)}" for name, left in rows)
    with canvas("cleaning", f"Interactions left after each step: {description}", 0.2 + _BAR * len(rows)) as drawn:
        axes = drawn.axes()
        longest = max(rows[0][1], 1)
        for y, (_, left) in enumerate(rows):
            at = len(rows) - 1 - y
            before = rows[y - 1][1] if y else left
            axes.barh(at, before, color=COLOURS["faint"], height=0.72)
            axes.barh(at, left, color=COLOURS["model"], height=0.72)
            lost = f"  −{count(before - left)}" if before > left else ""
            axes.text(max(before, left) + longest * 0.015, at, f"{count(left)}{lost}", va="center", fontsize=8.5)
        _bars(axes, [name for name, _ in rows], longest * 1.42)
    return drawn.svg


def learning_charts(
    epochs: Sequence[Epoch], popularity: Mapping[str, float], name_of_all: str = "learning"
) -> list[str]:
    """Draws the loss, recall and nDCG over epochs, with a line for popularity.

    Hit rate is only in the table and TensorBoard: with one target for each user it equals recall.

    Args:
        epochs: The training's epochs, one or more.
        popularity: Popularity's metrics, on the same users.
        name_of_all: Begins the names of the charts, which are unique on a page.

    Returns:
        `<svg>` elements.
    """
    numbers = [epoch.epoch for epoch in epochs]
    shown = [name for name in popularity if name in epochs[0].metrics and not name.startswith("hit_rate")]
    series = {"loss": [epoch.loss for epoch in epochs]}
    series |= {name: [epoch.metrics[name] for epoch in epochs] for name in shown}
    charts = []
    for name, values in series.items():
        description = f"{name} by epoch, from {significant(values[0])} to {significant(values[-1])}"
        if name in popularity:
            description += f"; popularity {significant(popularity[name])}"
        slug = name.replace("@", "-at-")
        with canvas(f"{name_of_all}-{slug}", description, 1.9, 3.2) as drawn:
            axes = drawn.axes()
            axes.set_title(f"{name} (lower is better)" if name == "loss" else name)
            axes.plot(numbers, values, color=COLOURS["model"], marker="o", markersize=4, linewidth=1.8)
            if name in popularity:
                axes.axhline(popularity[name], color=COLOURS["popularity"], linestyle=(0, (4, 3)), linewidth=1.4)
                axes.annotate(
                    "popularity",
                    (1, popularity[name]),
                    xycoords=("axes fraction", "data"),
                    xytext=(-2, 3),
                    textcoords="offset points",
                    ha="right",
                    fontsize=8,
                    color=COLOURS["popularity"],
                )
                axes.set_ylim(0, 1.12 * max(*values, popularity[name]) or 1)
            axes.annotate(
                significant(values[-1]),
                (numbers[-1], values[-1]),
                xytext=(0, 5),
                textcoords="offset points",
                ha="right",
            )
            axes.margins(y=0.18)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.set_xlabel("epoch")
        charts.append(drawn.svg)
    return charts


def vocabulary_chart(tables: Mapping[str, TableRows]) -> str:
    """Draws how many rows of each embedding table were carried over, are new, or were dropped.

    Args:
        tables: Row counts by the name of the table's variable.

    Returns:
        An `<svg>` element; empty without tables.
    """
    if not tables:
        return ""
    colours = ("model", "good", "warn")
    parts = {
        name: (("carried", rows.carried), ("new", rows.new), ("dropped", rows.dropped)) for name, rows in tables.items()
    }
    description = "; ".join(
        f"{_table(name)}: {', '.join(f'{part} {count(rows)}' for part, rows in table_parts)}"
        for name, table_parts in parts.items()
    )
    with canvas("vocabulary", f"Rows of the embedding tables. {description}", 0.55 + 0.46 * len(tables)) as drawn:
        axes = drawn.axes()
        for y, table_parts in enumerate(parts.values()):
            total, left = sum(rows for _, rows in table_parts) or 1, 0.0
            for (_, rows), colour in zip(table_parts, colours, strict=True):
                axes.barh(len(tables) - 1 - y, rows / total, left=left, color=COLOURS[colour], height=0.42)
                left += rows / total
            numbers = " · ".join(f"{count(rows)} {part}" for part, rows in table_parts)
            axes.text(0, len(tables) - 1 - y + 0.26, numbers, va="bottom", fontsize=8, color=COLOURS["soft"])
        _bars(axes, [_table(name) for name in tables], 1)
        axes.set_ylim(-0.5, len(tables) - 0.2)
    return drawn.svg


def latency_chart(signatures: Mapping[str, SignatureCheck]) -> str:
    """Draws how long each signature takes: the median, the 95th percentile and the slowest request.

    Args:
        signatures: The check's results by signature.

    Returns:
        An `<svg>` element; empty without measurements.
    """
    rows = [(name, found.latency_ms) for name, found in signatures.items() if found.latency_ms]
    if not rows:
        return ""
    description = ", ".join(f"{name} {significant(ms.p50)} and {significant(ms.p95)}" for name, ms in rows)
    with canvas("latency", f"Milliseconds, p50 and p95: {description}", 0.6 + _BAR * len(rows)) as drawn:
        axes = drawn.axes()
        axes.set_xlabel("milliseconds")
        for y, (_, ms) in enumerate(rows):
            at = len(rows) - 1 - y
            axes.plot([ms.p50, ms.max], [at, at], color=COLOURS["model"], linewidth=2, alpha=0.4)
            axes.plot([ms.p95], [at], color=COLOURS["model"], marker="|", markersize=9, markeredgewidth=2)
            axes.plot([ms.p50], [at], color=COLOURS["model"], marker="o", markersize=5)
        axes.set_yticks(range(len(rows)), [name for name, _ in rows][::-1])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_xlim(0)
        axes.grid(visible=False, axis="y")
    return drawn.svg


def timings_chart(nodes: Sequence[tuple[str, str, float | None]]) -> str:
    """Draws the seconds of each component.

    Args:
        nodes: Name, state (as in a run) and seconds of each component, in order.

    Returns:
        An `<svg>` element; empty if no component has a time.
    """
    if not any(seconds is not None for _, _, seconds in nodes):
        return ""
    description = ", ".join(
        f"{name} {'cached' if state == 'cached' else duration(seconds)}" for name, state, seconds in nodes
    )
    with canvas("timings", f"Time of each component: {description}", 0.2 + _BAR * len(nodes)) as drawn:
        axes = drawn.axes()
        longest = max([seconds for _, _, seconds in nodes if seconds is not None]) or 1
        colours = {"complete": "model", "cached": "popularity", "failed": "bad"}
        for y, (_, state, seconds) in enumerate(nodes):
            at = len(nodes) - 1 - y
            length = 0.0 if state == "cached" else seconds or 0.0
            axes.barh(at, length, color=COLOURS[colours.get(state, "warn")], height=0.62)
            label = {"complete": duration(seconds), "cached": "from the cache"}.get(
                state, f"{state}, {duration(seconds)}"
            )
            colour = COLOURS["soft"] if state == "cached" else COLOURS["ink"]
            axes.text(length + longest * 0.015, at, label, va="center", fontsize=8.5, color=colour)
        _bars(axes, [name for name, _, _ in nodes], longest * 1.35)
    return drawn.svg


def _bars(axes: Any, labels: list[str], right: float) -> None:
    axes.set_yticks(range(len(labels)), labels[::-1])
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.set_xlim(0, right)
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _table(name: str) -> str:
    return name.removesuffix("_embedding").removeprefix("content_").replace("_", " ")
