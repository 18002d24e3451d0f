"""Applies the rules of the gate to the metrics, and makes a decision that lists every rule with its numbers."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from configs.evaluation import LIST_K, Gate
from documents.evaluation import ITEM_ITEM, LAST_BLESSED, MODEL, POPULARITY, RECENT_POPULARITY, Decision, Rule
from pipeline.evaluation.measuring import finite
from trainer.bootstrap import ConfidenceInterval


@dataclass(frozen=True)
class Evidence:
    """What the gate's decision is based on.

    Attributes:
        model_fault: Why the model could not be asked; None if it could.
        serving_failures: Why ServingCheck refused the model; None if it blessed it.
        has_last_blessed: Whether there is a last blessed model.
        last_blessed_fault: The permanent fault of that model, because of which it cannot be asked; None without one.
        users: The number of evaluated users.
        items: Size of the catalogue.
        slice_users: `<kind>/<slice>` to the number of its users.
        metrics: Contender to metric to value.
        differences: Other contender to metric to the model's value minus the other's.
        neighbour_stability: Mean Jaccard index; None if it was not measured.
        stability_fault: Why it was not measured; None if it was, or if there is no model to compare with.
    """

    model_fault: str | None
    serving_failures: Sequence[str] | None
    has_last_blessed: bool
    last_blessed_fault: str | None
    users: int
    items: int
    slice_users: Mapping[str, int]
    metrics: Mapping[str, Mapping[str, ConfidenceInterval]]
    differences: Mapping[str, Mapping[str, ConfidenceInterval]]
    neighbour_stability: float | None
    stability_fault: str | None


_FAILURES, _FAILURE_CHARACTERS = 3, 300
"""How many of ServingCheck's failures the rule's detail repeats, and the length of each; its report has all of them."""

_UNMEASURED = ConfidenceInterval(np.nan, np.nan, np.nan)


def rules(evidence: Evidence, gate: Gate) -> list[Rule]:
    """Applies every rule; the comparisons are written so that not-a-number never passes.

    Args:
        evidence: What was measured.
        gate: The limits.

    Returns:
        The rules in order. If the model cannot be scored, the rules for which nothing was measured are left out. The
        model is blessed if all returned rules passed.
    """
    applied = [_scoreable(evidence), _servable(evidence)]
    if evidence.model_fault is not None and not evidence.users:
        return applied
    applied += [_users(evidence, gate), *_slices(evidence, gate)]
    if evidence.model_fault is not None and MODEL not in evidence.metrics:
        return applied
    return [
        *applied,
        _finite(evidence),
        *_floor(evidence, gate),
        _coverage(evidence, gate),
        *_better_than_popularity(evidence, gate),
        *_not_worse_than_item_item(evidence, gate),
        _not_worse_than_last_blessed(evidence, gate),
        *_neighbour_stability(evidence, gate),
    ]


def decision(applied: Sequence[Rule]) -> Decision:
    """Returns the decision of all rules."""
    return Decision(blessed=all(rule.passed for rule in applied), rules=tuple(applied))


def _rule(
    name: str,
    passed: bool,
    detail: str,
    metric: str | None = None,
    value: float | None = None,
    limit: float | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Rule:
    """A rule in the form in which it is written to evaluation.json: None stands for numbers that are not finite."""
    return Rule(
        rule=name,
        passed=passed,
        detail=detail,
        metric=metric,
        value=finite(value),
        limit=finite(limit),
        low=finite(low),
        high=finite(high),
    )


def _scoreable(evidence: Evidence) -> Rule:
    if evidence.model_fault is not None:
        return _rule("scoreable", False, f"The model cannot be scored: {evidence.model_fault}")
    return _rule("scoreable", True, "The model answers for every evaluated user.")


def _servable(evidence: Evidence) -> Rule:
    """Later runs compare with a blessed model and start from it, so that it must be a model that can be served."""
    failures = evidence.serving_failures
    if failures is None:
        return _rule("servable", True, "The model answers ServingCheck's requests in a separate process.")
    shown = [textwrap.shorten(failure, _FAILURE_CHARACTERS, placeholder=" ...") for failure in failures[:_FAILURES]]
    more = f"; and {len(failures) - _FAILURES} more" if len(failures) > _FAILURES else ""
    return _rule("servable", False, f"ServingCheck refused the model: {'; '.join(shown)}{more}")


def _finite(evidence: Evidence) -> Rule:
    metrics = evidence.metrics.get(MODEL, {})
    broken = sorted(name for name, figure in metrics.items() if not np.isfinite(figure).all())
    if not metrics:
        return _rule("finite", False, "The model has no metrics.")
    return _rule("finite", not broken, f"Not finite: {', '.join(broken)}." if broken else "Every metric is finite.")


def _users(evidence: Evidence, gate: Gate) -> Rule:
    detail = f"{evidence.users} users have a target; the gate requires {gate.min_users}."
    return _rule(
        "users", evidence.users >= gate.min_users, detail, "users", float(evidence.users), float(gate.min_users)
    )


def _slices(evidence: Evidence, gate: Gate) -> Iterator[Rule]:
    for name in gate.required_slices:
        users = evidence.slice_users.get(name, 0)
        yield _rule("slice", users > 0, f"Slice {name} has {users} users.", name, float(users), 1.0)


def _floor(evidence: Evidence, gate: Gate) -> Iterator[Rule]:
    if not gate.floor:
        yield _rule(
            "floor", False, "No floor is set; without a floor, nothing shows that a first model is good enough."
        )
    for metric, limit in gate.floor.items():
        figure = _figure(evidence, metric)
        detail = f"{metric} is {figure.value:.4f}; the floor is {limit:g}."
        yield _rule("floor", figure.value >= limit, detail, metric, figure.value, limit, figure.low, figure.high)


def _coverage(evidence: Evidence, gate: Gate) -> Rule:
    metric = f"coverage@{LIST_K}"
    figure = _figure(evidence, metric)
    # The lists of a few users cannot cover a large catalogue.
    limit = gate.min_coverage * min(1.0, LIST_K * evidence.users / max(1, evidence.items))
    detail = f"{figure.value:.2%} of the catalogue is recommended to someone; the gate requires {limit:.2%}."
    return _rule("coverage", figure.value >= limit, detail, metric, figure.value, limit, figure.low, figure.high)


def _better_than_popularity(evidence: Evidence, gate: Gate) -> Iterator[Rule]:
    metric = gate.better_than_popularity
    for baseline, shown in ((POPULARITY, "popularity"), (RECENT_POPULARITY, "recent popularity")):
        if baseline == POPULARITY or gate.better_than_recent_popularity:
            difference = evidence.differences.get(baseline, {}).get(metric, _UNMEASURED)
            detail = f"{metric} differs from {shown}'s by {_text(difference)}; the interval must lie above zero."
            name, passed = f"better_than_{baseline}", difference.low > 0
            yield _rule(name, passed, detail, metric, difference.value, 0.0, *difference[1:])


def _not_worse_than_item_item(evidence: Evidence, gate: Gate) -> Iterator[Rule]:
    name, metric = "not_worse_than_item_item", gate.not_worse_than_item_item
    if metric is None:
        return
    if evidence.users < gate.item_item_min_users:
        detail = f"{evidence.users} users are too few to compare with item-item; {gate.item_item_min_users} are needed."
        yield _rule(name, True, detail, metric)
        return
    difference = evidence.differences.get(ITEM_ITEM, {}).get(metric, _UNMEASURED)
    detail = f"{metric} differs from item-item's by {_text(difference)}; the interval must not lie below zero."
    yield _rule(name, difference.high >= 0, detail, metric, difference.value, 0.0, *difference[1:])


def _not_worse_than_last_blessed(evidence: Evidence, gate: Gate) -> Rule:
    name, metric = "not_worse_than_last_blessed", gate.last_blessed_metric
    nothing = _nothing_to_compare_with(evidence)
    if nothing is not None:
        return _rule(name, True, nothing, metric)
    difference = evidence.differences.get(LAST_BLESSED, {}).get(metric, _UNMEASURED)
    limit = -gate.last_blessed_margin * evidence.metrics.get(LAST_BLESSED, {}).get(metric, _UNMEASURED).value
    detail = (
        f"{metric} differs from the last blessed model's by {_text(difference)}; the interval must lie above "
        f"{limit:+.4f}."
    )
    # If the last blessed model's metric is 0 on today's data, the limit is 0, and it is enough to equal it.
    passed = difference.low > limit or difference.low >= limit == 0
    return _rule(name, passed, detail, metric, difference.value, limit, *difference[1:])


def _neighbour_stability(evidence: Evidence, gate: Gate) -> Iterator[Rule]:
    name, metric, limit = "neighbour_stability", f"mean_jaccard@{LIST_K}", gate.min_neighbour_stability
    value, nothing = evidence.neighbour_stability, _nothing_to_compare_with(evidence)
    if limit is None:
        return
    if nothing is not None:
        yield _rule(name, True, nothing, metric, None, limit)
    elif value is None:
        detail = f"The neighbours cannot be compared with the last blessed model's: {evidence.stability_fault}"
        yield _rule(name, False, detail, metric, None, limit)
    else:
        detail = f"The neighbours agree with the last blessed model's by {value:.3f}; the gate requires {limit:g}."
        yield _rule(name, value >= limit, detail, metric, value, limit)


def _nothing_to_compare_with(evidence: Evidence) -> str | None:
    """Explains why the rules cannot compare with the last blessed model; None if they can, or if it was measured."""
    if not evidence.has_last_blessed:
        return "There is no last blessed model; a first model is compared with the floor and with popularity."
    if evidence.last_blessed_fault is not None and LAST_BLESSED not in evidence.differences:
        # If this refused the model, it would refuse every later one, and the broken model would stay the last blessed.
        fault = evidence.last_blessed_fault
        return (
            "The last blessed model cannot be scored, so the model is not compared with it, like a first model: "
            f"{fault}"
        )
    return None


def _figure(evidence: Evidence, metric: str) -> ConfidenceInterval:
    return evidence.metrics.get(MODEL, {}).get(metric, _UNMEASURED)


def _text(difference: ConfidenceInterval) -> str:
    return f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
