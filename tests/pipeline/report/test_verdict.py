import dataclasses
from typing import Literal

import pytest

from documents.push_report import PushReport
from pipeline.report.facts import Part, RunFacts
from pipeline.report.verdict import verdict
from tests.documents.samples import changed
from tests.pipeline.report import worlds


def test_verdict_pushed_names_the_version_and_the_rules() -> None:
    found = verdict(worlds.pushed())
    assert (found.kind, found.headline) == ("pushed", "Pushed as version 1795269697")
    assert found.reasons == ("The model passed all 5 rules of the gate.",)


def test_verdict_model_is_live_already_says_so() -> None:
    found = verdict(
        dataclasses.replace(worlds.pushed(), push=PushReport(pushed=True, is_new=False, reason="already live"))
    )
    assert (found.kind, found.headline) == ("pushed", "Already served as version 1795269697")


def test_verdict_refused_names_the_failed_rule_alone() -> None:
    found = verdict(worlds.refused())
    assert found.kind == "refused"
    assert found.headline == "Refused by the gate: not worse than last blessed"
    assert found.reasons[0] == "The model is worse than the last blessed one by more than 0.005 in ndcg@10."
    assert found.reasons[-1] == "The served model has not changed."


def test_verdict_serving_check_failed_refused_with_its_failures() -> None:
    check = changed(worlds.SERVING_CHECK, blessed=False, failures=["recommend: answers differ by 0.3"])
    found = verdict(dataclasses.replace(worlds.pushed(), serving_check=check))
    assert (found.kind, found.headline) == ("refused", "Refused by the serving check")
    assert found.reasons[0] == "recommend: answers differ by 0.3"


def test_verdict_serving_check_and_its_rule_failed_reported_once() -> None:
    check = changed(worlds.SERVING_CHECK, blessed=False, failures=["recommend: answers differ by 0.3"])
    nothing = dict.fromkeys(("metric", "value", "limit", "low", "high"))
    servable = {**nothing, "rule": "servable", "passed": False, "detail": "ServingCheck refused the model: recommend"}
    coverage = {**nothing, "rule": "coverage", "passed": False, "detail": "Too few items."}

    def shown(*rules: dict[str, object]) -> tuple[str, tuple[str, ...]]:
        evaluation = changed(worlds.evaluation(), decision={"blessed": False, "rules": rules})
        found = verdict(dataclasses.replace(worlds.pushed(), serving_check=check, evaluation=evaluation))
        return found.headline, found.reasons[:-1]

    assert shown(servable) == ("Refused by the serving check", ("recommend: answers differ by 0.3",))
    assert shown(servable, coverage) == (
        "Refused by the gate: servable, coverage",
        ("ServingCheck refused the model: recommend", "Too few items."),
    )


def test_verdict_blessed_but_not_pushed_tells_the_pusher_s_reason() -> None:
    parts = {"pushed_model": Part("uri", {"pushed": 0})}
    push = PushReport(pushed=False, reason="rolled back from it")
    facts = dataclasses.replace(worlds.pushed(), parts=parts, push=push)
    assert verdict(facts).reasons[0] == "Rolled back from it."


def test_verdict_run_that_ended_with_a_search_says_so() -> None:
    stopped = worlds.failed()
    assert stopped.run is not None
    tuner = dataclasses.replace(stopped.run.nodes[0], node_id="Tuner", state="complete")
    run = dataclasses.replace(stopped.run, state="succeeded", nodes=(tuner,))
    found = verdict(dataclasses.replace(stopped, run=run))
    assert (found.kind, found.headline) == ("unfinished", "Searched settings")
    assert found.reasons[-1] == "The served model has not changed."


def test_verdict_failed_component_comes_before_all_else() -> None:
    found = verdict(dataclasses.replace(worlds.failed(), evaluation=worlds.evaluation()))
    assert (found.kind, found.headline) == ("failed", "Failed in DataGate")
    assert "OUT_OF_RANGE" not in found.reasons[0]
    assert "ENUM_TYPE_UNEXPECTED_STRING_VALUES" in found.reasons[0]


_PUSHED_BEFORE = "Version 1795269697 had been pushed before."


@pytest.mark.parametrize(
    ("node_id", "is_pushed", "said"),
    [
        ("Trainer", False, "The served model has not changed."),
        ("Pusher", False, "`perennial versions list` shows whether its version was published."),
        ("RunReport", True, _PUSHED_BEFORE),
    ],
)
@pytest.mark.parametrize("state", ["failed", "killed"])
def test_verdict_stopped_says_what_is_served(
    node_id: str, is_pushed: bool, said: str, state: Literal["failed", "killed"]
) -> None:
    run = worlds.run(failed=node_id, error="no more memory")
    nodes = (*run.nodes[:-1], dataclasses.replace(run.nodes[-1], state=state))
    run = dataclasses.replace(run, state=state, nodes=nodes)
    parts = worlds.pushed().parts if is_pushed else {}
    found = verdict(RunFacts(pipeline="shop", run=run, parts=parts))
    assert found.kind == "failed"
    if state == "failed":
        assert (found.headline, found.reasons) == (f"Failed in {node_id}", ("no more memory", said))
    else:
        assert (found.headline, found.reasons) == (f"Killed in {node_id}", (f"{said} Run it again.",))


def test_verdict_killed_after_the_push_says_so() -> None:
    facts = dataclasses.replace(worlds.pushed(), run=dataclasses.replace(worlds.run(), state="killed"))
    found = verdict(facts)
    assert (found.headline, found.reasons) == ("Killed between two components", (f"{_PUSHED_BEFORE} Run it again.",))


def test_verdict_interrupted_by_a_person_reads_as_killed() -> None:
    run = dataclasses.replace(worlds.run(failed="Trainer", error="KeyboardInterrupt: "), state="killed")
    found = verdict(RunFacts(pipeline="shop", run=run))
    assert found.headline == "Killed in Trainer"
    assert "KeyboardInterrupt" not in " ".join(found.reasons)


def test_verdict_refused_and_pruned_names_the_rules_that_the_store_keeps() -> None:
    kept = {"blessed": 0, "failed_rules": "coverage, not_worse_than_last_blessed"}
    parts = {"evaluation": Part("gone", kept), "pushed_model": Part("gone", {"pushed": 0})}
    found = verdict(RunFacts(pipeline="shop", run=worlds.run(), parts=parts))
    assert (found.kind, found.headline) == ("refused", "Refused by the gate: coverage, not worse than last blessed")
    assert len(found.reasons) == 2
    assert "was deleted" in found.reasons[0]


def test_verdict_pushed_and_pruned_names_the_version() -> None:
    parts = {**worlds.pushed().parts, "evaluation": Part("gone", {"blessed": 1, "failed_rules": ""})}
    assert verdict(RunFacts(pipeline="shop", run=worlds.run(), parts=parts)).headline == "Pushed as version 1795269697"


def test_verdict_nothing_known_is_unfinished() -> None:
    assert verdict(RunFacts(pipeline="shop")).kind == "unfinished"
