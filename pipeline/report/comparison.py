"""Makes the rows of a comparison's tables, for the terminal and for the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from documents.comparison import Candidate
from documents.evaluation import Measurement
from pipeline.report.numbers import duration, significant


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: Its heading.
        cell: The text of a candidate's cell.
    """

    heading: str
    cell: Callable[[Candidate], str]


def _metric(heading: str, metric: str) -> Column:
    def cell(candidate: Candidate) -> str:
        return _value(candidate.evaluation.metrics.get(metric)) if candidate.evaluation is not None else "–"

    return Column(heading, cell)


def _cold(candidate: Candidate) -> str:
    slices = candidate.evaluation.slices.get("target", {}) if candidate.evaluation is not None else {}
    cold = slices.get("without events")
    return _value(cold.metrics.get("hit_rate@10")) if cold is not None and cold.users else "–"


def _gate(candidate: Candidate) -> str:
    if candidate.fault is not None:
        return "cannot be chosen"
    if candidate.decision is None:
        return "–"
    failed = ", ".join(rule.rule for rule in candidate.decision.failed)
    return f"refused: {failed}" if failed else "passed"


def _value(found: Measurement | None) -> str:
    return significant(found.value) if found is not None and found.value is not None else "–"


def _number(number: float | None) -> str:
    return significant(number) if number is not None else "–"


QUALITY: Sequence[Column] = (
    Column("validation", lambda candidate: _value(candidate.validation)),
    _metric("HR@10", "hit_rate@10"),
    _metric("nDCG@10", "ndcg@10"),
    _metric("recall@100", "recall@100"),
    _metric("coverage@10", "coverage@10"),
    _metric("novelty@10", "novelty@10"),
    Column("cold HR@10", _cold),
)
"""What the lists are worth. `validation` is the metric of the choice; `cold HR@10` counts only targets without
interactions; there is a dash if no target is cold."""

COST: Sequence[Column] = (
    Column("training", lambda candidate: duration(candidate.seconds) if candidate.seconds is not None else "–"),
    Column("peak MiB", lambda candidate: _number(candidate.peak_mib)),
    Column("export MiB", lambda candidate: _number(candidate.export_mib)),
    Column("ms a query", lambda candidate: _number(candidate.latency_ms)),
    Column("gate", _gate),
)
"""What a model takes, and what the gate says of it."""
