import shutil
from pathlib import Path

import pytest

from pipeline.commands import cli
from pipeline.store.runs import contents
from pipeline.store.runs.records import read_runs
from tests.pipeline.store.runs.history import NAME, History


def test_failed_rules_evaluation_deleted_are_those_that_the_store_keeps(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = [{"rule": rule, "passed": rule == "floor"} for rule in ("floor", "coverage", "min_users")]
    run = history.run()
    run.node(
        "Evaluator",
        {"evaluation": "ModelEvaluation"},
        told={"failed_rules": "coverage, min_users"},
        files={"evaluation.json": {"decision": {"blessed": False, "rules": rules}}},
    )
    run.node("Evaluator", {"blessing": "ModelBlessing"}, told={"blessed": 0})
    (told,) = read_runs(history.metadata_path, NAME)
    assert contents.failed_rules(told) == ["coverage", "min_users"]
    evaluation = told.output("ModelEvaluation")
    assert evaluation is not None
    shutil.rmtree(Path(evaluation.uri))
    assert contents.failed_rules(told) == ["coverage", "min_users"]
    assert cli.main(["runs", "list", "--config", str(history.config)]) == 0
    assert "refused: coverage" in capsys.readouterr().out
    assert cli.main(["runs", "show", "1", "--config", str(history.config)]) == 0
    assert "The gate refused the model: coverage, min_users." in capsys.readouterr().out


def test_failed_rules_run_that_was_not_judged_none(history: History) -> None:
    history.run().node("Gen", {"examples": "Examples"})
    (told,) = read_runs(history.metadata_path, NAME)
    assert contents.failed_rules(told) == []
