"""`perennial tune` in a small shop: it searches, goes on after a kill, and the next run trains with what it found."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from documents.tuning import Difference, Trial, TuningReport
from pipeline.commands.tune import trials_table, verdict
from pipeline.store.runs.records import Run, read_runs
from tests.shop import Shop

TRIALS = 5


def trial(number: int, score: float | None, **changes: Any) -> Trial:
    values = {"origin": "space", "values": {"window": number}, "state": "complete", "seconds": 1.0}
    return Trial.model_validate({**values, "number": number, "score": score, **changes})


REPORT = TuningReport(
    kind="item_item",
    metric="ndcg@100",
    users=7,
    trials=(trial(1, 0.2), trial(2, None, state="failed", error="diverged"), trial(3, 0.3, epochs=(0.1, 0.3))),
    best=3,
    difference=Difference(value=0.1, low=0.05, high=0.15),
    is_taken=True,
    seconds=3.0,
)


def test_table_has_the_best_trial_first_and_those_without_a_result_last() -> None:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(trials_table(REPORT))
    rows = [line.split() for line in captured.get().splitlines() if "space" in line]
    assert [row[0] for row in rows] == ["3", "1", "2"]
    assert "0.3000" in rows[0] and "failed" in rows[2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Trial 3 is better by 0.1000 in ndcg@100 on 7 users (95 % interval 0.0500 to 0.1500): taken."),
        ({"is_taken": False}, "not clear of zero, so the config's settings stay."),
        ({"best": 1, "difference": None}, "No trial is better than the settings of the config. They stay."),
        ({"best": None}, "could not be measured in time: raise tuner.max_seconds."),
    ],
)
def test_verdict_says_what_is_taken(changes: dict[str, Any], said: str) -> None:
    assert said in verdict(REPORT.model_copy(update=changes))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop whose config is a bad one: it favours rare items, and counts old interactions as much as new ones."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    config = yaml.safe_load(shop.config.read_text())
    config["trainer"] = {"kind": "item_item", "history_decay": 1.0, "popularity_exponent": 1.0}
    config["tuner"] = {"max_trials": TRIALS}
    shop.config.write_text(yaml.safe_dump(config))
    return shop


def _runs(shop: Shop) -> list[Run]:
    return read_runs(str(shop.home / "metadata.db"), "shop")


def _nodes(run: Run) -> set[str]:
    return {node.node_id for node in run.nodes}


@pytest.mark.e2e
def test_tune_searches_and_the_next_run_trains_with_what_it_found(shop: Shop) -> None:
    tuned = shop.forked("perennial", "tune", "--json")
    assert tuned.returncode == 0, tuned.stderr
    report = TuningReport.model_validate_json(tuned.stdout[tuned.stdout.index('{\n  "format_version"') :])
    assert report.is_taken and len(report.trials) == TRIALS
    (searched,) = _runs(shop)
    assert "Tuner" in _nodes(searched) and not {"Trainer", "Pusher"} & _nodes(searched)
    hyperparameters = searched.output("HyperParameters")
    results = searched.output("TunerResults")
    assert hyperparameters is not None and results is not None
    (file,) = Path(hyperparameters.uri).iterdir()
    values = json.loads(file.read_text())["values"]
    rows = json.loads((Path(results.uri) / "tuner_results.json").read_text())
    assert values.items() >= {"kind": "item_item", **report.trials[(report.best or 0) - 1].values}.items()
    best = {name: value for name, value in rows[0].items() if name not in ("trial_id", "score")}
    assert values.items() >= {"kind": "item_item", **best}.items()
    assert [path.name for path in (shop.home / "tuning").iterdir()] == ["newest.json"]  # the trials are not kept

    ran = shop.forked("perennial", "run")
    assert ran.returncode in (0, 3), ran.stderr
    run = _runs(shop)[-1]
    assert "Tuner" not in _nodes(run)  # a run does not search
    assert {node.state for node in run.nodes if node.node_id.endswith("Transform")} == {"cached"}
    model_run = run.output("ModelRun")
    assert model_run is not None
    tuned_settings = json.loads((Path(model_run.uri) / "metrics.json").read_text())["tuned"]
    assert tuned_settings == best
    assert "From the tuner" in (shop.home / "reports" / "2.html").read_text(encoding="utf-8")
    assert "Searched settings" in (shop.home / "reports" / "1.html").read_text(encoding="utf-8")


@pytest.mark.e2e
def test_tune_begins_with_what_the_last_search_found_and_every_days_hands_it_on(shop: Shop) -> None:
    again = shop.forked("perennial", "tune")
    assert again.returncode == 0, again.stderr
    results = _runs(shop)[-1].output("TunerResults")
    assert results is not None
    assert [trial.origin for trial in TuningReport.read(results.uri).trials[:2]] == ["config", "last search"]

    config = yaml.safe_load(shop.config.read_text())
    shop.config.write_text(yaml.safe_dump(config | {"tuner": {"max_trials": TRIALS, "every_days": 1}}))
    ran = shop.forked("perennial", "run")
    assert ran.returncode in (0, 3), ran.stderr
    assert "the last search is new enough" in ran.stdout
    run, searched = _runs(shop)[-1], _runs(shop)[-2]
    new, old = run.output("HyperParameters"), searched.output("HyperParameters")
    assert new is not None and old is not None and new.uri != old.uri
    assert new.properties["searched"] == old.properties["searched"]
    assert [file.read_text() for file in Path(new.uri).iterdir()] == [
        file.read_text() for file in Path(old.uri).iterdir()
    ]
