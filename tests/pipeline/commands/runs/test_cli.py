import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.commands import cli
from tests.documents.samples import EVALUATION, changed
from tests.pipeline.store.runs.history import History


@pytest.fixture
def history(history: History) -> History:
    run = history.run()
    (model,) = run.node("Trainer", {"model": "Model"})
    ends: dict[str, Any] = {"metric": "ndcg@10", "low": None, "high": None}
    rules = [
        {"rule": "floor", "passed": True, "value": 0.1, "limit": 0.05, "detail": "above [it]", **ends},
        {"rule": "not_worse", "passed": False, "value": -0.1, "limit": -0.01, "detail": "worse", **ends},
    ]
    evaluation = changed(EVALUATION, decision={"blessed": False, "rules": rules})
    run.node(
        "Evaluator", {"evaluation": "ModelEvaluation"}, custom_properties={"ndcg_at_10": 0.125}, documents=[evaluation]
    )
    run.node("Evaluator", {"blessing": "ModelBlessing"}, custom_properties={"blessed": 0, "current_model_id": model})
    history.run(outcome="failed").node("Gen", {"examples": "Examples"}, state="FAILED")
    return history


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> object:
    assert cli.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_runs_lists_states_metric_and_the_rule_that_refused(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    output = _json(capsys, "runs", "list", "--config", str(history.config))
    assert isinstance(output, list)
    assert [(run["number"], run["state"]) for run in output] == [(1, "succeeded"), (2, "failed")]
    assert (output[0]["ndcg_at_10"], output[0]["blessed"], output[0]["refused_by"]) == (0.125, False, "not_worse")
    assert (output[0]["executed"], output[0]["cached"], output[0]["pushed_version"]) == (3, 0, None)
    assert cli.main(["runs", "list", "--config", str(history.config)]) == 0
    assert "refused: not_worse" in capsys.readouterr().out.replace("\n", " ")


def test_list_no_run_yet_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "shop.yaml"
    config.write_text("name: shop\nlog: {path: log.csv}\n")
    assert _json(capsys, "runs", "list", "--config", str(config)) == []
    assert cli.main(["runs", "list", "--config", str(config)]) == 0
    assert capsys.readouterr().out == "There is no run yet. `perennial run` makes one.\n"


def test_show_decision_and_nodes_by_number_and_by_id(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    output = _json(capsys, "runs", "show", "1", "--config", str(history.config))
    assert isinstance(output, dict)
    assert [rule["rule"] for rule in output["decision"]["rules"]] == ["floor", "not_worse"]
    assert [node["node"] for node in output["nodes"]] == ["Trainer", "Evaluator", "Evaluator"]
    assert output == _json(capsys, "runs", "show", "run-1", "--config", str(history.config))
    assert cli.main(["runs", "show", "1", "--config", str(history.config)]) == 0
    shown = capsys.readouterr().out
    assert "refused" in shown and "not_worse" in shown and "above [it]" in shown


def test_show_page_named_where_there_is_one(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    page = history.home / "reports" / "2.html"
    page.parent.mkdir()
    page.touch()
    output = _json(capsys, "runs", "show", "latest", "--config", str(history.config))
    assert isinstance(output, dict)
    assert output["report"] == str(page)


def test_diff_prints_the_summary(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runs", "diff", "1", "latest", "--config", str(history.config)]) == 0
    assert "There are no two evaluations to compare." in capsys.readouterr().out


@pytest.mark.parametrize("command", [["runs", "show", "3"], ["runs", "diff", "1", "3"]])
def test_commands_unknown_run_one_line_and_status_1(
    history: History, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert cli.main([*command, "--config", str(history.config)]) == 1
    assert capsys.readouterr().err == "RunError: no run '3': give a number from 1 to 2, 'latest', or a whole run id.\n"
