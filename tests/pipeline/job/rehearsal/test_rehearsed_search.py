"""`perennial vertex rehearse --tune`: the search, and the runs on Vertex that train with what it found."""

import json
from typing import Any

import pytest

from documents.tuning import TuningReport
from tests.pipeline.job.rehearsal.place import Place

pytestmark = pytest.mark.e2e

TRIALS = 5


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """With a bad config, which favours rare items, and counts old interactions as much as new ones."""
    trainer = {"kind": "item_item", "history_decay": 1.0, "popularity_exponent": 1.0}
    return Place(tmp_path_factory.mktemp("searched"), trainer=trainer, tuner={"max_trials": TRIALS})


@pytest.fixture(scope="module")
def shown(place: Place) -> str:
    """What the first rehearsal printed."""
    return place.perennial("vertex", "rehearse", "--tune")


@pytest.fixture(scope="module")
def best(place: Place, shown: str) -> dict[str, Any]:
    """The settings that the first search has taken."""
    report = TuningReport.read(place.output(0, "Tuner", "tuner_results"))
    assert report.is_taken and report.best is not None and len(report.trials) == TRIALS
    return dict(report.trials[report.best - 1].values)


def test_search_ends_with_tuner_and_writes_hyperparameters_of_tfx(
    place: Place, shown: str, best: dict[str, Any]
) -> None:
    assert ": taken." in shown and "history_decay" in shown
    records = place.records(0)
    assert {record.state for record in records.values()} == {"succeeded"}
    assert not {"Trainer", "RetrievalEvaluator", "Pusher", "RunReport"} & set(records)
    assert records["HyperParametersResolver"].artifacts["hyperparameters"][0].metadata["absent"] == 1
    (made,) = records["Tuner"].artifacts["best_hyperparameters"]
    assert made.title == "tfx.HyperParameters"
    (file,) = place.here(made.uri).iterdir()
    assert json.loads(file.read_text())["values"].items() >= best.items()
    assert records["Tuner"].artifacts["tuner_results"][0].title == "tfx.TunerResults"


def test_run_after_the_search_gets_the_hyperparameters_through_the_trainers_channel(
    place: Place, best: dict[str, Any]
) -> None:
    place.perennial("vertex", "rehearse")
    records = place.records(-1)
    assert "Tuner" not in records
    assert records["InteractionTransform"].state == "cached"
    (found,) = records["HyperParametersResolver"].artifacts["hyperparameters"]
    assert found.uri == place.records(0)["Tuner"].artifacts["best_hyperparameters"][0].uri
    assert records["Trainer"].inputs["hyperparameters"] == [found.name]
    tuned = json.loads((place.output(-1, "Trainer", "model_run") / "metrics.json").read_text())["tuned"]
    assert tuned.items() <= best.items() and tuned
    assert set(best) - set(tuned) <= {"window", "gap_decay"}  # those may be found as the config has them


def test_next_search_begins_with_the_config_and_with_what_the_last_one_found(
    place: Place, best: dict[str, Any]
) -> None:
    place.perennial("vertex", "rehearse", "--tune")
    report = TuningReport.read(place.output(-1, "Tuner", "tuner_results"))
    assert [trial.origin for trial in report.trials[:2]] == ["config", "last search"]
    assert dict(report.trials[1].values) == best
