import shutil
from pathlib import Path

import pytest

from pipeline.commands import cli
from pipeline.store.runs import contents
from pipeline.store.runs.records import read_runs
from tests.documents.samples import CATALOGUE, CLEANING, EVALUATION, WARM_START, changed
from tests.pipeline.store.runs.history import NAME, History


def test_failed_rules_evaluation_deleted_are_those_that_the_store_keeps(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"detail": "", "metric": None, "value": None, "limit": None, "low": None, "high": None}
    names = ("floor", "coverage", "min_users")
    rules = [{"rule": rule, "passed": rule == "floor", **figures} for rule in names]
    run = history.run()
    run.node(
        "Evaluator",
        {"evaluation": "ModelEvaluation"},
        custom_properties={"failed_rules": "coverage, min_users"},
        documents=[changed(EVALUATION, decision={"blessed": False, "rules": rules})],
    )
    run.node("Evaluator", {"blessing": "ModelBlessing"}, custom_properties={"blessed": 0})
    (recorded,) = read_runs(history.metadata_path, NAME)
    assert contents.failed_rules(recorded) == ["coverage", "min_users"]
    evaluation = recorded.output("ModelEvaluation")
    assert evaluation is not None
    shutil.rmtree(Path(evaluation.uri))
    assert contents.failed_rules(recorded) == ["coverage", "min_users"]
    assert cli.main(["runs", "list", "--config", str(history.config)]) == 0
    assert "refused: coverage" in capsys.readouterr().out
    assert cli.main(["runs", "show", "1", "--config", str(history.config)]) == 0
    assert "The gate refused the model: coverage, min_users." in capsys.readouterr().out


def test_failed_rules_run_that_was_not_judged_none(history: History) -> None:
    history.run().node("Gen", {"examples": "Examples"})
    (recorded,) = read_runs(history.metadata_path, NAME)
    assert contents.failed_rules(recorded) == []


def test_contents_of_documents_are_what_they_say_of_the_run_and_not_their_format(history: History) -> None:
    run = history.run()
    run.node("Gen", {"examples": "Examples"}, documents=[CLEANING])
    run.node("CatalogueGen", {"examples": "Examples"}, documents=[CATALOGUE])
    run.node("Trainer", {"model_run": "ModelRun"}, documents=[WARM_START])
    (recorded,) = read_runs(history.metadata_path, NAME)
    counts, start = contents.counts(recorded), contents.start(recorded)
    assert (counts["Gen steps.window"], counts["Gen splits.train.users"], counts["CatalogueGen items"]) == (98, 9, 9)
    assert (start["training epochs"], start["training tables.item_embedding.carried"]) == (4, 5)
    assert not [name for name in (*counts, *start) if "format_version" in name]
