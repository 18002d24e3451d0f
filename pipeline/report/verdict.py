"""What became of a run, in one line and its reasons: the first thing that its page says."""

from dataclasses import dataclass
from typing import Literal

from pipeline.report.facts import Facts

Kind = Literal["pushed", "refused", "failed", "unfinished"]


@dataclass(frozen=True)
class Verdict:
    """What became of a run."""

    kind: Kind
    headline: str
    reasons: tuple[str, ...] = ()
    """Sentences: which rules failed, with their numbers; or an error's message."""


def verdict(facts: Facts) -> Verdict:
    """Decides what the page says first.

    Args:
        facts: The run's facts.

    Returns:
        The run failed or was killed; or the model was refused; or it was pushed, or is served already; or none of this.
    """
    return _stopped(facts) or _refused(facts) or _pushed(facts)


def _stopped(facts: Facts) -> Verdict | None:
    if facts.run is None:
        return None
    for node in facts.run.nodes:
        if node.state == "failed":
            error = node.error or "It left no message; the log of the run has its traceback."
            return Verdict("failed", f"Failed in {node.node_id}", (error, "Serving stays as it was."))
    for node in facts.run.nodes:
        if node.state == "killed":
            return Verdict("failed", f"Killed in {node.node_id}", ("Serving stays as it was. Run it again.",))
    if facts.run.state == "killed":
        return Verdict("failed", "Killed between two components", ("Serving stays as it was. Run it again.",))
    if facts.run.state == "failed":
        return Verdict("failed", "Failed", ("No component says why; the log of the run does.",))
    return None


def _refused(facts: Facts) -> Verdict | None:
    stays = "Serving stays as it was."
    decision = facts.evaluation["decision"] if facts.evaluation is not None else None
    failed = [rule for rule in decision["rules"] if not rule["passed"]] if decision is not None else []
    check = facts.serving_check
    # The gate has a rule for the serving check; where nothing else is wrong, the check's own words say it all.
    if check is not None and not check["blessed"] and all(rule["rule"] == "servable" for rule in failed):
        return Verdict("refused", "Refused by the serving check", (*check["failures"], stays))
    if decision is not None and not decision["blessed"]:
        names = ", ".join(dict.fromkeys(rule["rule"].replace("_", " ") for rule in failed))
        return Verdict(
            "refused",
            f"Refused by the gate: {names or 'no rule blessed it'}",
            (*(str(rule["detail"]) for rule in failed), stays),
        )
    return None


def _pushed(facts: Facts) -> Verdict:
    pushed = facts.parts.get("pushed_model")
    if pushed is None:
        blessed = facts.evaluation is not None  # else it was refused, further up
        return Verdict(
            "unfinished",
            "Blessed, not pushed" if blessed else "Not finished",
            (
                "The model passed the gate; no Pusher has run."
                if blessed
                else "The run ended before its model was judged.",
            ),
        )
    outcome = facts.push or {}
    if not pushed.properties.get("pushed"):
        reason = str(outcome.get("reason") or "a blessing is missing")
        return Verdict("refused", "Not pushed", (f"{reason[0].upper()}{reason[1:]}.", "Serving stays as it was."))
    version = pushed.properties.get("pushed_version")
    if outcome.get("is_new") is False:
        same = "The model is the served one, byte by byte."
        return Verdict("pushed", f"Already served as version {version}", (same, *_passed(facts)))
    return Verdict("pushed", f"Pushed as version {version}", _passed(facts))


def _passed(facts: Facts) -> tuple[str, ...]:
    if facts.evaluation is None:
        return ()
    return (f"The model passed all {len(facts.evaluation['decision']['rules'])} rules of the gate.",)
