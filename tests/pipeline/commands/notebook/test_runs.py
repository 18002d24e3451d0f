import dataclasses

import pytest

from pipeline.commands.notebook import runs
from tests.pipeline.report import worlds


def test_runs_rows_say_what_became_of_each_run() -> None:
    rows = runs.runs_rows([worlds.pushed(), worlds.failed()])
    assert [row["outcome"] for row in rows] == ["Pushed as version 1795269697", "Failed in DataGate"]
    assert [row["hit_rate@10"] for row in rows] == [0.175, None]


def test_history_chart_leaves_out_runs_without_an_evaluation() -> None:
    refused = dataclasses.replace(worlds.refused(), run=worlds.run(5))
    svg = runs.history_chart([worlds.pushed(), worlds.failed(), refused], "hit_rate@10")
    assert 'aria-label="hit_rate@10 by run: run 4 0.175 (pushed), run 5 0.121 (refused)"' in svg
    assert runs.history_chart([worlds.failed()]) == ""


def test_lineage_of_run_names_its_nodes() -> None:
    assert "DataGate from InteractionsExampleValidator, CatalogueExampleValidator" in runs.lineage_of(worlds.run())


def test_required_what_a_failed_run_has_not_left_is_reported_with_its_error() -> None:
    facts = worlds.failed()
    assert runs.required(facts, "cleaning") == worlds.CLEANING
    with pytest.raises(LookupError, match=r"(?s)run 4 has no training: it ended before.*\nDataGate: .*1 anomaly"):
        runs.required(facts, "training")
