"""A comparison with a candidate that cannot be trained: it is named, and the others are compared all the same."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from documents.comparison import ComparisonReport
from documents.provenance import Provenance
from pipeline.store.runs.records import Run, read_runs
from tests.shop import Shop

pytestmark = pytest.mark.e2e

CANDIDATES: dict[str, dict[str, Any]] = {
    "broken": {"kind": "two_tower", "learning_rate": 1e30, "epochs": 1, "embedding_dim": 8},
    "popular": {"kind": "popularity"},
    "neighbours": {"kind": "item_item"},
}


def _write(shop: Shop, candidates: dict[str, dict[str, Any]]) -> None:
    config = yaml.safe_load(shop.config.read_text())
    shop.config.write_text(yaml.safe_dump({**config, "compare": {"candidates": candidates}}))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("failing"))
    _write(shop, CANDIDATES)
    return shop


def _runs(shop: Shop) -> list[Run]:
    return read_runs(str(shop.home / "metadata.db"), "shop")


def _states(run: Run) -> dict[str, str]:
    return {node.node_id: node.state for node in run.nodes}


def _compared(shop: Shop) -> ComparisonReport:
    folders = (shop.home / "artifacts" / "ModelComparison" / "comparison").iterdir()
    return ComparisonReport.read(max(folders, key=lambda folder: int(folder.name)))


def test_compare_names_the_candidate_that_failed_and_pushes_the_best_of_the_others(shop: Shop) -> None:
    ran = shop.forked("perennial", "compare")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "broken cannot be chosen: its training failed: The loss of epoch 1 is nan: training diverged" in ran.stderr
    [broken] = [candidate for candidate in _compared(shop).candidates if candidate.name == "broken"]
    assert broken.fault is not None and broken.fault.startswith("its training failed: The loss of epoch 1")
    assert (broken.seconds, broken.evaluation, broken.decision) == (None, None, None)
    [version] = shop.versions
    assert Provenance.read(version).candidate == "neighbours"
    page = Path(shop.home / "reports" / "1.html").read_text(encoding="utf-8")
    assert "broken</strong> cannot be chosen: its training failed" in page


def test_compare_without_it_trains_none_of_the_others_again(shop: Shop) -> None:
    _write(shop, {name: settings for name, settings in CANDIDATES.items() if name != "broken"})
    ran = shop.forked("perennial", "compare")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    states = _states(_runs(shop)[-1])
    assert "Trainer-broken" not in states
    assert {states[f"Trainer-{name}"] for name in ("popular", "neighbours")} == {"cached"}
    assert states["ModelComparison"] == "complete"
    assert len(_compared(shop).candidates) == 2


def test_compare_with_its_settings_mended_trains_it_alone(shop: Shop) -> None:
    mended = {"kind": "two_tower", "batch_size": 256, "epochs": 1, "embedding_dim": 8, "patience": None}
    _write(shop, {**CANDIDATES, "broken": mended})
    ran = shop.forked("perennial", "compare")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    states = _states(_runs(shop)[-1])
    assert {states[f"Trainer-{name}"] for name in ("popular", "neighbours")} == {"cached"}
    assert states["Trainer-broken"] == "complete"
    assert all(candidate.fault is None for candidate in _compared(shop).candidates)


def test_compare_of_nothing_but_failures_fails_with_each_reason(shop: Shop) -> None:
    _write(shop, dict.fromkeys(("one", "two"), CANDIDATES["broken"]))
    ran = shop.forked("perennial", "compare")
    assert ran.returncode == 1
    assert "one: its training failed: The loss of epoch 1" in ran.stderr
    assert "two: its training failed: The loss of epoch 1" in ran.stderr
