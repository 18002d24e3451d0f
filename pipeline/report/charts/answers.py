"""Draws what became of a service's answers."""

from collections.abc import Sequence

from pipeline.report.answers import AnswerCounts, shares
from pipeline.report.charts.drawing import COLOURS, canvas

_EVENTS = {
    "view": ("looked at", "model", "o"),
    "basket": ("into a basket", "warn", "s"),
    "purchase": ("bought", "good", "^"),
}
"""Type of event to what it says, its colour and its marker."""


def positions_chart(counts: Sequence[AnswerCounts]) -> str:
    """Draws, for each position, the share of shown items that were looked at, put into a basket, and bought.

    Args:
        counts: Of the positions, in order.

    Returns:
        An `<svg>` element; empty without positions.
    """
    if not counts:
        return ""
    description = ", ".join(f"position {one.name}: {one.view} of {one.shown} looked at" for one in counts)
    with canvas("positions", f"Events by position. {description}", 2.2) as drawn:
        axes = drawn.axes()
        for event, (said, colour, marker) in _EVENTS.items():
            points = [
                (one.name, 100 * share)
                for one, share in zip(counts, shares(counts, event), strict=True)
                if share is not None
            ]
            if any(share for _, share in points):
                x, y = zip(*points, strict=True)
                axes.plot(x, y, color=COLOURS[colour], marker=marker, markersize=4, linewidth=1.6, label=said)
        axes.set_xlabel("position")
        axes.set_title("% of the shown items")
        axes.set_ylim(bottom=0)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
    return drawn.svg
