"""A comparison with a candidate that cannot be trained: it is named, and the others are compared all the same."""

from typing import Any

import pytest
import yaml

from documents.comparison import ComparisonReport
from documents.provenance import Provenance
from pipeline.store.runs.records import read_runs
from tests.shop import Shop

pytestmark = pytest.mark.e2e

CANDIDATES: dict[str, dict[str, Any]] = {
    "broken": {"kind": "two_tower", "learning_rate": 1e30, "epochs": 1, "embedding_dim": 8},
    "popular": {"kind": "popularity"},
    "neighbours": {"kind": "item_item"},
}


FAULT = "its training failed: The loss of epoch 1 is nan: training diverged"

REFUSED = 3
"""The exit status if the gate refuses the winner."""


def _write(shop: Shop, candidates: dict[str, dict[str, Any]], floor: dict[str, float]) -> None:
    config = yaml.safe_load(shop.config.read_text())
    gate = {**config["gate"], "floor": floor}  # with an empty one, every model is refused
    shop.config.write_text(yaml.safe_dump({**config, "gate": gate, "compare": {"candidates": candidates}}))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("failing"))


def _compare(shop: Shop, status: int, said: str = "") -> tuple[ComparisonReport, dict[str, str]]:
    """Compares; the report, and the states of the run's nodes."""
    ran = shop.forked("perennial", "compare")
    assert ran.returncode == status, ran.stdout + ran.stderr
    assert said in ran.stderr
    folders = (shop.home / "artifacts" / "ModelComparison" / "comparison").iterdir()
    report = ComparisonReport.read(max(folders, key=lambda folder: int(folder.name)))
    run = read_runs(str(shop.home / "metadata.db"), "shop")[-1]
    return report, {node.node_id: node.state for node in run.nodes}


def test_compare_without_one_that_failed_trains_none_of_the_others_again(shop: Shop) -> None:
    _write(shop, CANDIDATES, {})
    report, states = _compare(shop, REFUSED)
    assert states["Trainer-broken"] == "complete"  # the failure is a result, as a model is
    assert report.winner == "neighbours"

    _write(shop, {name: settings for name, settings in CANDIDATES.items() if name != "broken"}, {})
    report, states = _compare(shop, REFUSED)
    assert "Trainer-broken" not in states
    assert {states[f"Trainer-{name}"] for name in ("popular", "neighbours")} == {"cached"}
    assert states["ModelComparison"] == "complete"
    assert len(report.candidates) == 2

    mended = {"kind": "two_tower", "batch_size": 256, "epochs": 1, "embedding_dim": 8, "patience": None}
    _write(shop, {**CANDIDATES, "broken": mended}, {})
    report, states = _compare(shop, REFUSED)
    assert {states[f"Trainer-{name}"] for name in ("popular", "neighbours")} == {"cached"}
    assert states["Trainer-broken"] == "complete"
    assert all(candidate.fault is None for candidate in report.candidates)


def test_compare_names_the_candidate_that_failed_and_pushes_the_best_of_the_others(shop: Shop) -> None:
    _write(shop, CANDIDATES, {"hit_rate@10": 0.01})
    report, _ = _compare(shop, 0, said=f"broken cannot be chosen: {FAULT}")
    [broken] = [candidate for candidate in report.candidates if candidate.name == "broken"]
    assert broken.fault is not None and broken.fault.startswith(FAULT)
    assert (broken.seconds, broken.evaluation, broken.decision) == (None, None, None)
    [version] = shop.versions
    assert Provenance.read(version).candidate == "neighbours"
    pages = sorted((shop.home / "reports").glob("*.html"))
    assert f"broken</strong> cannot be chosen: {FAULT}" in pages[-1].read_text(encoding="utf-8")


def test_compare_of_nothing_but_failures_fails_with_each_reason(shop: Shop) -> None:
    _write(shop, dict.fromkeys(("one", "two"), CANDIDATES["broken"]), {"hit_rate@10": 0.01})
    ran = shop.forked("perennial", "compare")
    assert ran.returncode == 1
    assert f"one: {FAULT}" in ran.stderr and f"two: {FAULT}" in ran.stderr
