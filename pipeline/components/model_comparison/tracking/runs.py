"""Describes a comparison as MLflow's runs: one of the comparison, and one inside it for each candidate."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from documents.comparison import Candidate, ComparisonReport
from documents.evaluation import Measurement
from documents.provenance import Provenance


class Run(TypedDict):
    """What MLflow keeps of a run, as JSON values."""

    name: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]


def run_of_comparison(report: ComparisonReport, origin: Provenance) -> Run:
    """Describes the comparison: who won and why, and the metrics of the winner and the baselines.

    Args:
        report: The comparison.
        origin: The winner's provenance.
    """
    known = {
        "pipeline": origin.pipeline,
        "winner": report.winner,
        "reason": report.reason,
        "config_digest": origin.config_digest,
        "code_digest": origin.code_digest,
        "data_digest": origin.data_digest,
    }
    metrics = {"users": float(report.users.evaluated), "validation_users": float(report.validation_users)}
    if report.won.evaluation is not None:
        metrics |= _measured(report.won.evaluation.metrics)
    for name, baseline in report.baselines.items():
        metrics |= {f"{name}/{metric}": value for metric, value in _measured(baseline.metrics).items()}
    return Run(
        name=f"comparison of {origin.pipeline}" if origin.pipeline else "comparison",
        tags={name: value for name, value in known.items() if value},
        params={"metric": report.metric},
        metrics=metrics,
    )


def run_of_candidate(candidate: Candidate) -> Run:
    """Describes a candidate: its settings, what its training chose, what it costs, its metrics, the gate's decision.

    Args:
        candidate: One of the comparison.
    """
    tags = {"candidate": candidate.name}
    metrics = {
        name: float(value)
        for name in ("seconds", "peak_mib", "export_mib", "latency_ms")
        if (value := getattr(candidate, name)) is not None
    }
    measured = {"validation": candidate.validation, "behind": candidate.behind}
    metrics |= _measured({name: value for name, value in measured.items() if value is not None})
    if candidate.evaluation is not None:
        metrics |= _measured(candidate.evaluation.metrics)
    if candidate.decision is not None:
        metrics["blessed"] = float(candidate.decision.blessed)
        if candidate.decision.failed:
            tags["refused_by"] = ", ".join(rule.rule for rule in candidate.decision.failed)
    if candidate.fault is not None:
        tags["fault"] = candidate.fault
    params = {**dict(_flat(candidate.settings)), **dict(_flat(candidate.chosen, "chosen."))}
    return Run(name=candidate.name, tags=tags, params=params, metrics=metrics)


def _measured(metrics: Mapping[str, Measurement]) -> dict[str, float]:
    """Values and the ends of their intervals, as far as they are known. MLflow has no @ in names: `ndcg_at_10`."""
    found = {}
    for name, measurement in metrics.items():
        name = name.replace("@", "_at_")
        ends = {name: measurement.value, f"low/{name}": measurement.low, f"high/{name}": measurement.high}
        found.update({key: value for key, value in ends.items() if value is not None})
    return found


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yields each setting under its path with dots; a text as it is, any other value as JSON."""
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value)
