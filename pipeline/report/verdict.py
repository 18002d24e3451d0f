"""Decides a run's verdict, which its page shows first: how the run ended, in one line, and why."""

from dataclasses import dataclass
from typing import Literal

from documents.evaluation import Decision, Rule
from pipeline.report.facts import PARTS, RunFacts

Kind = Literal["pushed", "refused", "failed", "unfinished"]

((_PUSHER, _),) = PARTS["pushed_model"]
_TRAINER, _ = PARTS["model"][0]
_TUNER = "Tuner"
_STAYS = "The served model has not changed."


@dataclass(frozen=True)
class Verdict:
    """How a run ended."""

    kind: Kind
    headline: str
    reasons: tuple[str, ...] = ()
    """Sentences: the rules that failed, with their numbers; or an error's message."""


def verdict(facts: RunFacts) -> Verdict:
    """Decides the verdict of a run.

    Args:
        facts: The run's facts.

    Returns:
        The first of these that is true: the run failed or was killed; the model was refused; the model was pushed or is
        served already; the run did not finish.
    """
    return _stopped(facts) or _refused(facts) or _pushed(facts)


def _stopped(facts: RunFacts) -> Verdict | None:
    if facts.run is None or facts.run.state in ("succeeded", "running"):
        return None
    # In an interrupted run, the interrupted node is recorded as failed.
    stopped = next((node for node in facts.run.nodes if node.state in ("failed", "killed")), None)
    node_id = stopped.node_id if stopped else None
    if facts.run.state == "killed":
        where = f"in {node_id}" if node_id else "between two components"
        return Verdict("failed", f"Killed {where}", (f"{_served(facts, node_id)} Run it again.",))
    if stopped is None:
        return Verdict("failed", "Failed", ("No component reported an error; see the run's log.", _served(facts, None)))
    error = stopped.error or "It left no message; the run's log has the traceback."
    return Verdict("failed", f"Failed in {node_id}", (error, _served(facts, node_id)))


def _served(facts: RunFacts, stopped_in: str | None) -> str:
    """Says whether a run that stopped has changed what is served."""
    pushed = facts.parts.get("pushed_model")
    if pushed is not None and pushed.properties.get("pushed"):
        return f"Version {pushed.properties.get('pushed_version')} had been pushed before."
    if stopped_in == _PUSHER:
        return "`perennial versions list` shows whether its version was published."
    return _STAYS


def _refused(facts: RunFacts) -> Verdict | None:
    decision = facts.evaluation.decision if facts.evaluation is not None else _kept_decision(facts)
    failed = decision.failed if decision is not None else ()
    check = facts.serving_check
    # The gate has a rule for the serving check; if only that rule failed, show the check's own messages.
    if check is not None and not check.blessed and all(rule.rule == "servable" for rule in failed):
        return Verdict("refused", "Refused by the serving check", (*check.failures, _STAYS))
    if decision is not None and not decision.blessed:
        names = ", ".join(dict.fromkeys(rule.rule.replace("_", " ") for rule in failed))
        return Verdict(
            "refused",
            f"Refused by the gate: {names or 'no rule blessed it'}",
            (*dict.fromkeys(rule.detail for rule in failed), _STAYS),
        )
    return None


def _kept_decision(facts: RunFacts) -> Decision | None:
    """Returns the gate's decision from the store if the evaluation's files are gone: the names of the failed rules."""
    evaluation = facts.parts.get("evaluation")
    if evaluation is None or "blessed" not in evaluation.properties:
        return None
    detail = "The evaluation was deleted with other old artifacts; only the names of these rules are left."
    names = str(evaluation.properties.get("failed_rules") or "").split(", ")
    nothing = {"metric": None, "value": None, "limit": None, "low": None, "high": None}
    rules = tuple(Rule(rule=name, passed=False, detail=detail, **nothing) for name in names if name)
    return Decision(blessed=bool(evaluation.properties["blessed"]), rules=rules)


def _pushed(facts: RunFacts) -> Verdict:
    pushed = facts.parts.get("pushed_model")
    if pushed is None and _is_search(facts):
        return Verdict("unfinished", "Searched settings", ("`perennial tune` ends after the search.", _STAYS))
    if pushed is None:
        blessed = facts.evaluation is not None  # `_refused` has handled a model that was not blessed
        return Verdict(
            "unfinished",
            "Blessed, not pushed" if blessed else "Not finished",
            (
                "The model passed the gate; no Pusher has run."
                if blessed
                else "The run ended before its model was judged.",
            ),
        )
    if not pushed.properties.get("pushed"):
        reason = facts.push.reason if facts.push else "a blessing is missing"
        return Verdict("refused", "Not pushed", (f"{reason[0].upper()}{reason[1:]}.", _STAYS))
    version = pushed.properties.get("pushed_version")
    if facts.push is not None and not facts.push.is_new:
        same = "The model is identical to the served one, byte for byte."
        return Verdict("pushed", f"Already served as version {version}", (same, *_passed(facts)))
    return Verdict("pushed", f"Pushed as version {version}", _passed(facts))


def _is_search(facts: RunFacts) -> bool:
    nodes = {node.node_id for node in facts.run.nodes} if facts.run is not None else set()
    return _TUNER in nodes and _TRAINER not in nodes


def _passed(facts: RunFacts) -> tuple[str, ...]:
    if facts.evaluation is None:
        return ()
    return (f"The model passed all {len(facts.evaluation.decision.rules)} rules of the gate.",)
