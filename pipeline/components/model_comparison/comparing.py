"""Measures the candidates on the same users, chooses the winner, and asks the gate about each."""

import logging
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from common.errors import ModelError
from configs.compare import Compare
from documents.comparison import Candidate, ComparisonReport
from documents.evaluation import ITEM_ITEM, LAST_BLESSED, MODEL, POPULARITY, RECENT_POPULARITY, Decision
from documents.metrics import TrainingMetrics
from documents.serving_check import ServingCheckReport
from documents.validation import ValidationReport
from pipeline.components.model_comparison.choosing import Choice, choose
from pipeline.evaluation import gate, measuring
from pipeline.evaluation.assessment import baseline_rankings, last_blessed_ranking
from pipeline.evaluation.contest import Contender, Contest, EvalData

_PREFIX = "candidate "
"""Of a candidate's name among the contenders: a candidate may be named as a baseline is."""

_LOGGER = logging.getLogger("perennial.comparison")

_BASELINES = (POPULARITY, RECENT_POPULARITY, ITEM_ITEM, LAST_BLESSED)

Rankings = dict[str, npt.NDArray[np.int32]]


@dataclass(frozen=True)
class Compared:
    """What is known of a candidate before it is measured.

    Attributes:
        contender: The model; it is loaded, asked and dropped again, because all at once may take too much memory.
        training: The metrics of its training; None if it failed.
        training_failure: Why it failed; None if it did not.
        validation: What it was worth to each user of the validation; None if nobody had targets to choose by.
        serving_check: What ServingCheck found.
        serving_failures: Why ServingCheck refused it; None if it blessed it.
    """

    contender: Contender
    training: TrainingMetrics | None
    training_failure: str | None
    validation: ValidationReport | None
    serving_check: ServingCheckReport
    serving_failures: Sequence[str] | None

    @property
    def fault(self) -> str | None:
        """Why the candidate cannot be chosen; None if it can."""
        if self.training_failure is not None:
            return f"its training failed: {self.training_failure}"
        if self.contender.fault is not None:
            return self.contender.fault
        if self.serving_failures is not None:
            return f"ServingCheck refused it: {'; '.join(self.serving_failures)}"
        if self.validation is None:
            return "too few interactions: no user has two items, so nothing could be held out to choose by"
        return None


def compare(
    compared: Mapping[str, Compared], settings: Compare, contest: Callable[[Contender], Contest]
) -> ComparisonReport:
    """Asks the candidates, chooses, and measures.

    Args:
        compared: The candidates by name.
        settings: Which candidates they are, and by what to choose.
        contest: Gives the contest in which a model is measured.

    Returns:
        The comparison.

    Raises:
        ModelError: No candidate can be asked.
        ModelUnavailableError: A model cannot be read or asked, for a reason other than the model itself.
    """
    data, rankings = _asked(compared, contest)
    some = contest(next(iter(compared.values())).contender)
    choice = _chosen(compared, settings.metric, some)
    measured = measuring.Measurements({}, {})
    if data.users.users:
        measured = measuring.measure(rankings, data.targets, data.count, data.parts, some.settings)
    contenders = measuring.contenders(measured, data.parts, data.targets, some.settings)

    def candidate(name: str) -> Candidate:
        found, key = compared[name], _PREFIX + name
        training, latency = found.training, found.serving_check.signatures.get("recommend")
        value, behind = choice.values.get(name), choice.behind.get(name)
        return Candidate(
            name=name,
            settings=settings.candidates[name].model_dump(mode="json"),
            chosen=training.choice.settings if training and training.choice else {},
            seconds=training.seconds if training else None,
            peak_mib=training.peak_mib if training else None,
            export_mib=_size_mib(found.contender.folder) if training else None,
            latency_ms=latency.latency_ms.p50 if latency is not None and latency.latency_ms is not None else None,
            validation=measuring.measurement(value) if value is not None else None,
            behind=measuring.measurement(behind) if behind is not None else None,
            fault=found.fault,
            evaluation=contenders.get(key),
            decision=_decision(found, key, measured, data, some) if key in contenders else None,
        )

    order = [*choice.values, *(name for name in compared if name not in choice.values)]
    others = [*(_PREFIX + name for name in order if name != choice.winner), *_BASELINES]
    differences = measured.differences(_PREFIX + choice.winner, others)
    return ComparisonReport(
        metric=settings.metric,
        validation_users=_validation_users(compared),
        users=data.evaluated(),
        candidates=tuple(candidate(name) for name in order),
        winner=choice.winner,
        reason=choice.reason,
        differences={
            other.removeprefix(_PREFIX) if other.startswith(_PREFIX) else f"baseline {other}": {
                metric: measuring.measurement(intervals[metric]) for metric in some.settings.metrics
            }
            for other, intervals in differences.items()
        },
        baselines={name: contenders[name] for name in _BASELINES if name in contenders},
    )


def _asked(compared: Mapping[str, Compared], contest: Callable[[Contender], Contest]) -> tuple[EvalData, Rankings]:
    """The eval split, and the lists of all contenders; a faulty candidate has none."""
    data: EvalData | None = None
    rankings: Rankings = {}
    last_blessed = contest(next(iter(compared.values())).contender).last_blessed
    if last_blessed is not None:
        last_blessed.load()
    for name, found in compared.items():
        model = found.contender
        model.load()
        if model.served is not None and model.fault is None:
            its = contest(model)
            if data is None:
                data = EvalData.read(its, model.served)
                k = max(its.settings.top_k)
                if data.users.users:
                    rankings |= baseline_rankings(data, min(k, model.served.items), its.settings.popularity_days)
                rankings |= last_blessed_ranking(last_blessed, model.served, its.leave_out, data, k)
            with model.faults():
                rankings[_PREFIX + name], _ = model.served.recommend(data.queries, max(its.settings.top_k))
        model.served = None
        _LOGGER.info("%s: %s", name, found.fault or "asked for every evaluated user")
    if data is None:
        faults = "; ".join(f"{name}: {found.fault}" for name, found in compared.items())
        raise ModelError(f"no candidate can be asked: {faults}")
    return data, rankings


def _chosen(compared: Mapping[str, Compared], metric: str, contest: Contest) -> Choice:
    """The choice among the candidates that can be chosen; if none can, the first with a model goes to the gate."""
    by_user = {
        name: np.array(found.validation.by_user[metric])
        for name, found in compared.items()
        if found.fault is None and found.validation is not None
    }
    if not by_user:
        first = next(name for name, found in compared.items() if found.contender.fault is None)
        return Choice(first, f"No candidate can be chosen: {first}: {compared[first].fault}", {}, {})
    seconds = {name: found.training.seconds or 0.0 for name, found in compared.items() if found.training}
    return choose(by_user, seconds, contest.settings.resamples, contest.settings.seed)


def _decision(
    found: Compared, key: str, measured: measuring.Measurements, data: EvalData, contest: Contest
) -> Decision:
    """What the gate says of a candidate that was measured."""
    metrics = measured.over_all_users()
    last = contest.last_blessed
    evidence = gate.Evidence(
        model_fault=None,
        serving_failures=found.serving_failures,
        has_last_blessed=last is not None,
        last_blessed_fault=last.fault if last else None,
        users=data.users.users,
        items=len(data.count),
        slice_users=measuring.slice_users(data.parts, data.targets),
        metrics={**metrics, MODEL: metrics[key]},
        differences=measured.differences(key),
        neighbour_stability=None,
        stability_fault=None,
    )
    return gate.decision(gate.rules(evidence, contest.limits))


def _validation_users(compared: Mapping[str, Compared]) -> int:
    reports = (found.validation for found in compared.values() if found.validation is not None)
    return max((len(next(iter(report.by_user.values()))) for report in reports), default=0)


def _size_mib(folder: str) -> float:
    total = 0
    for parent, _, files in tf.io.gfile.walk(folder):
        total += sum(tf.io.gfile.stat(posixpath.join(parent, name)).length for name in files)
    return round(total / 2**20, 2)
