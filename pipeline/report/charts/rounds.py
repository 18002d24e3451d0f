"""Draws charts of a replay: quality and seconds by round."""

from collections.abc import Mapping, Sequence

from pipeline.report.charts.drawing import COLOURS, canvas
from pipeline.report.numbers import significant

_OUTCOMES = {"pushed": ("o", COLOURS["model"]), "refused": ("X", COLOURS["warn"]), "stopped": ("X", COLOURS["bad"])}
"""Marker and colour by the round's outcome."""

_OTHERS = {"popularity": "^", "recent_popularity": "v", "item_item": "s", "last_blessed": "D"}
"""Marker by contender."""


def quality_chart(
    metric: str, outcomes: Sequence[str], series: Mapping[str, Sequence[float | None]], width: float = 4.6
) -> str:
    """Draws a metric of every contender over the rounds; models that were not pushed have a cross.

    Args:
        metric: The metric's name.
        outcomes: `[rounds]`: `pushed`, `refused` or `stopped`.
        series: Values `[rounds]` by contender, None where there is none.
        width: Inches.

    Returns:
        An `<svg>` element.
    """
    description = ", ".join(significant(value) if value is not None else "none" for value in series["model"])
    numbers = range(1, len(outcomes) + 1)
    with canvas(f"rounds-{metric.replace('@', '-at-')}", f"{metric} by round: {description}", 2.3, width) as drawn:
        axes = drawn.axes()
        axes.set_title(f"{metric} ↑")
        for name, marker in _OTHERS.items():
            colour = COLOURS[name.replace("_", "-")]
            axes.plot(numbers, _gaps(series[name]), color=colour, marker=marker, markersize=4, linewidth=1.2)
        axes.plot(numbers, _gaps(series["model"]), color=COLOURS["model"], linewidth=1.8)
        for number, outcome, value in zip(numbers, outcomes, series["model"], strict=True):
            marker, colour = _OUTCOMES[outcome]
            # A round that stopped has no value; its marker is at the bottom.
            axes.plot([number], [value or 0.0], color=colour, marker=marker, markersize=7, clip_on=False, zorder=3)
        axes.set_ylim(bottom=0)
        axes.margins(y=0.15)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("round")
    return drawn.svg


def seconds_chart(seconds: Sequence[float], train_seconds: Sequence[float | None], width: float = 4.6) -> str:
    """Draws how long each round took, and how much of it was training.

    Args:
        seconds: `[rounds]`.
        train_seconds: `[rounds]`, None where nothing was trained.
        width: Inches.

    Returns:
        An `<svg>` element.
    """
    description = ", ".join(significant(value) for value in seconds)
    numbers = range(1, len(seconds) + 1)
    with canvas("rounds-seconds", f"Seconds by round: {description}", 2.3, width) as drawn:
        axes = drawn.axes()
        axes.set_title("seconds")
        axes.bar(numbers, seconds, color=COLOURS["faint"], label="whole round")
        axes.bar(numbers, [value or 0.0 for value in train_seconds], color=COLOURS["model"], label="training")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.margins(y=0.3)
        axes.set_xlabel("round")
        axes.legend(fontsize=8, ncols=2, loc="upper left")
    return drawn.svg


def _gaps(values: Sequence[float | None]) -> list[float]:
    """Replaces missing values by not-a-number, which makes a gap in the line."""
    return [float("nan") if value is None else value for value in values]
