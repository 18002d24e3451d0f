"""`perennial compare`, as a user types it: the winner is judged and pushed, and later runs train it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mlflow.tracking import MlflowClient

from documents.comparison import ComparisonReport
from documents.provenance import Provenance
from documents.validation import ValidationReport
from documents.warm_start import WarmStartReport
from pipeline.components.model_comparison.choosing import choose
from tests.mlflow_server import running_mlflow
from tests.shop import Shop

pytestmark = pytest.mark.e2e

CANDIDATES: dict[str, dict[str, Any]] = {
    "popularity": {"kind": "popularity"},
    "neighbours": {"kind": "item_item", "neighbours": 50},
    "factors": {"kind": "ials", "embedding_dim": 8, "iterations": 3},
    "towers": {"kind": "two_tower", "epochs": 2, "batch_size": 256, "embedding_dim": 8},
}


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_mlflow(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, mlflow: str) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("compared"))
    config = yaml.safe_load(shop.config.read_text())
    compare = {"candidates": CANDIDATES, "mlflow": {"tracking_uri": mlflow, "experiment": "shops"}}
    shop.config.write_text(yaml.safe_dump({**config, "compare": compare}))
    return shop


@pytest.fixture(scope="module")
def compared(shop: Shop) -> "subprocess.CompletedProcess[str]":
    ran = shop.forked("perennial", "compare", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


@pytest.fixture(scope="module")
def report(compared: "subprocess.CompletedProcess[str]") -> ComparisonReport:
    return ComparisonReport.parse(compared.stdout[compared.stdout.index("\n{") :], "standard output")


def outputs(shop: Shop, place: str) -> list[Path]:
    """The folders of an output, oldest first."""
    return sorted((shop.home / "artifacts" / place).iterdir(), key=lambda folder: int(folder.name))


def test_every_candidate_is_trained_measured_and_judged(report: ComparisonReport) -> None:
    assert {candidate.name for candidate in report.candidates} == set(CANDIDATES)
    for candidate in report.candidates:
        assert candidate.settings["kind"] == CANDIDATES[candidate.name]["kind"]
        assert candidate.fault is None
        assert candidate.evaluation is not None
        assert candidate.evaluation.metrics["ndcg@10"].value is not None
        assert candidate.decision is not None
        assert candidate.seconds is not None
        assert min(candidate.seconds, candidate.peak_mib or 0, candidate.export_mib or 0, candidate.latency_ms or 0) > 0
    baselines = {"popularity", "recent_popularity", "item_item"}
    assert set(report.baselines) == baselines
    others = {*CANDIDATES, *(f"baseline {name}" for name in baselines)} - {report.winner}
    assert set(report.differences) == others


def test_choice_is_made_by_the_targets_that_no_candidate_was_trained_on(shop: Shop, report: ComparisonReport) -> None:
    by_user = {}
    for name in CANDIDATES:
        [folder] = outputs(shop, f"Trainer-{name}/model_run")
        by_user[name] = np.array(ValidationReport.read(folder).by_user["ndcg@100"])
    assert {len(values) for values in by_user.values()} == {report.validation_users}
    seconds = {candidate.name: candidate.seconds or 0.0 for candidate in report.candidates}
    assert choose(by_user, seconds, 1000, 0).winner == report.winner
    shown = [(candidate.validation.value if candidate.validation else None) or 0.0 for candidate in report.candidates]
    assert shown == sorted(shown, reverse=True)
    assert report.candidates[-1].name == "popularity"


def test_popularity_as_a_candidate_equals_the_baseline(report: ComparisonReport) -> None:
    popularity = next(candidate for candidate in report.candidates if candidate.name == "popularity")
    assert popularity.evaluation is not None
    assert popularity.evaluation.metrics == report.baselines["popularity"].metrics
    assert popularity.decision is not None
    assert "better_than_popularity" in [rule.rule for rule in popularity.decision.failed]


def test_winner_is_pushed_and_the_page_shows_all(shop: Shop, report: ComparisonReport) -> None:
    [version] = shop.versions
    provenance = Provenance.read(version)
    assert provenance.candidate == report.winner
    page = (shop.home / "reports" / "1.html").read_text()
    assert f"<h1>Pushed as version {version.name}</h1>" in page
    assert "Comparison</h2>" in page
    assert all(name in page for name in CANDIDATES)
    assert 'id="comparison' in page


def test_comparison_is_recorded_once_in_mlflow(shop: Shop, mlflow: str, report: ComparisonReport) -> None:
    client = MlflowClient(mlflow)
    experiment = client.get_experiment_by_name("shops")
    assert experiment is not None
    runs = {run.info.run_name: run.data for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"comparison of shop", *CANDIDATES}
    [version] = shop.versions
    provenance = Provenance.read(version)
    tags = runs["comparison of shop"].tags
    assert (tags["winner"], tags["data_digest"]) == (report.winner, provenance.data_digest)
    assert report.won.evaluation is not None
    assert runs[report.winner].metrics["ndcg_at_10"] == report.won.evaluation.metrics["ndcg@10"].value


def test_later_run_on_the_same_data_hands_the_winner_on(shop: Shop, report: ComparisonReport) -> None:
    ran = shop.forked("perennial", "run")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(shop.versions) == 1
    assert WarmStartReport.read(outputs(shop, "Trainer/model_run")[-1]).unchanged


def test_later_run_on_new_data_trains_the_winner(shop: Shop, report: ComparisonReport) -> None:
    [part] = (shop.folder / "interactions").iterdir()
    part.write_text("".join(part.read_text().splitlines(keepends=True)[:-100]))
    ran = shop.forked("perennial", "run")
    assert ran.returncode in (0, 3), ran.stdout + ran.stderr
    [trained] = (outputs(shop, "Trainer/model")[-1] / "Format-Serving").glob("assets.extra/provenance.json")
    origin = json.loads(trained.read_text())
    assert origin["candidate"] == report.winner
    assert not WarmStartReport.read(outputs(shop, "Trainer/model_run")[-1]).unchanged
