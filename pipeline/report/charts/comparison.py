"""Draws the candidates of a comparison: what they are worth, against the time of their training."""

import math

from documents.comparison import Candidate, ComparisonReport
from documents.evaluation import Measurement
from pipeline.report.charts.drawing import COLOURS, canvas
from pipeline.report.numbers import duration, significant

_METRIC = "ndcg@10"
_SHORTEST = 0.05
"""Seconds; a logarithmic axis has no zero."""


def comparison_chart(report: ComparisonReport) -> str:
    """Draws nDCG@10 of each candidate with its interval, against the seconds of its training.

    Args:
        report: The comparison.

    Returns:
        An `<svg>` element; empty if no candidate was measured.
    """
    points = [(c, found, c.seconds) for c in report.candidates if (found := _measured(c)) and c.seconds is not None]
    if not points:
        return ""
    description = ", ".join(f"{c.name} {significant(found.value)} in {duration(s)}" for c, found, s in points)
    with canvas("comparison", f"{_METRIC} and seconds of training: {description}", 3.0, 5.4) as drawn:
        axes = drawn.axes()
        axes.set_title(f"{_METRIC} ↑ against the time of training")
        axes.set_xscale("log")
        for candidate, found, seconds in points:
            colour = COLOURS["model" if candidate.name == report.winner else "soft"]
            at = max(seconds, _SHORTEST)
            if found.low is not None and found.high is not None:
                axes.plot([at, at], [found.low, found.high], color=colour, linewidth=2.4, alpha=0.55)
            axes.plot([at], [found.value], color=colour, marker="o", markersize=6)
            axes.annotate(candidate.name, (at, found.value), xytext=(7, 4), textcoords="offset points", fontsize=8.5)
        baseline = report.baselines.get("popularity")
        value = baseline.metrics[_METRIC].value if baseline is not None and _METRIC in baseline.metrics else None
        if value is not None:
            axes.axhline(value, color=COLOURS["popularity"], linestyle=(0, (4, 3)), linewidth=1.4)
        axes.set_ylim(bottom=0)
        axes.margins(x=0.25)
        powers = [math.log10(max(seconds, _SHORTEST)) for *_, seconds in points]
        ticks = [10.0**power for power in range(math.floor(min(powers)), math.floor(max(powers)) + 1)]
        axes.set_xticks(ticks, [duration(seconds) for seconds in ticks])
        axes.minorticks_off()
        axes.set_xlabel("time of training, with its choices")
    return drawn.svg


def _measured(candidate: Candidate) -> Measurement | None:
    found = candidate.evaluation.metrics.get(_METRIC) if candidate.evaluation is not None else None
    return found if found is not None and found.value is not None else None
