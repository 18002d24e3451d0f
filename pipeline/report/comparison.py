"""Makes the rows of a comparison's table, for the terminal and for the page."""

from documents.comparison import Candidate
from documents.evaluation import Measurement
from pipeline.report.numbers import duration, significant

_METRICS = ("hit_rate@10", "ndcg@10", "recall@100", "coverage@10", "novelty@10")

COLUMNS = (
    "model",
    "validation",
    *_METRICS,
    "cold hits@10",
    "training",
    "peak MiB",
    "export MiB",
    "ms",
    "gate",
)
"""Headings. `cold hits@10` is the hit rate among targets without interactions; `ms` the median of a `recommend`."""


def row_of(candidate: Candidate) -> list[str]:
    """The cells of a candidate, in the order of `COLUMNS`."""
    found = candidate.evaluation
    metrics = found.metrics if found is not None else {}
    cold = found.slices.get("target", {}).get("without events") if found is not None else None
    hits = cold.metrics.get("hit_rate@10") if cold is not None and cold.users else None
    return [
        candidate.name,
        _value(candidate.validation),
        *(_value(metrics.get(metric)) for metric in _METRICS),
        _value(hits),
        duration(candidate.seconds) if candidate.seconds is not None else "–",
        _number(candidate.peak_mib),
        _number(candidate.export_mib),
        _number(candidate.latency_ms),
        _verdict(candidate),
    ]


def _value(found: Measurement | None) -> str:
    return significant(found.value) if found is not None and found.value is not None else "–"


def _number(number: float | None) -> str:
    return significant(number) if number is not None else "–"


def _verdict(candidate: Candidate) -> str:
    if candidate.fault is not None:
        return "cannot be chosen"
    if candidate.decision is None:
        return "–"
    failed = ", ".join(rule.rule for rule in candidate.decision.failed)
    return f"refused: {failed}" if failed else "passed"
