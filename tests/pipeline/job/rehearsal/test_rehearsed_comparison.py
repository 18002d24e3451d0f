"""`perennial vertex rehearse --compare`, against `perennial compare` on the same data."""

from pathlib import Path
from typing import Any

import pytest

from documents.comparison import Candidate, ComparisonReport
from documents.evaluation import Measurement
from documents.provenance import Provenance
from documents.warm_start import WarmStartReport
from pipeline.store.models import newest_version
from tests.pipeline.job.rehearsal.place import Place

pytestmark = pytest.mark.e2e

# Far apart, so that the winner does not depend on seconds.
CANDIDATES: dict[str, dict[str, Any]] = {
    "popular": {"kind": "popularity"},
    "neighbours": {"kind": "item_item"},
    "factors": {"kind": "ials", "embedding_dim": 4, "iterations": 2},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("compared"), compare={"candidates": CANDIDATES})


@pytest.fixture(scope="module")
def shown(place: Place) -> str:
    """What the rehearsal printed."""
    return place.perennial("vertex", "rehearse", "--compare")


@pytest.fixture(scope="module")
def rehearsed(place: Place, shown: str) -> ComparisonReport:
    return ComparisonReport.read(place.output(0, "ModelComparison", "comparison"))


@pytest.fixture(scope="module")
def local(place: Place) -> ComparisonReport:
    """The comparison of `perennial compare`."""
    place.perennial("compare")
    [folder] = (place.home / "artifacts" / "ModelComparison" / "comparison").iterdir()
    return ComparisonReport.read(folder)


def _served(folder: Path) -> Provenance:
    return Provenance.read(newest_version(str(folder)))


def _numbers(measured: Measurement | None) -> dict[str, float]:
    values = measured.model_dump() if measured is not None else {}
    return {name: value for name, value in values.items() if value is not None}


def _equal(found: Measurement | None, expected: Measurement | None) -> bool:
    return bool(_numbers(found) == pytest.approx(_numbers(expected), abs=1e-6))


def test_rehearsed_comparison_has_the_table_of_the_local_one(
    rehearsed: ComparisonReport, local: ComparisonReport
) -> None:
    def table(report: ComparisonReport) -> dict[str, Candidate]:
        return {candidate.name: candidate for candidate in report.candidates}

    assert list(table(rehearsed)) == list(table(local)) and set(table(local)) == set(CANDIDATES)
    assert (rehearsed.winner, rehearsed.reason) == (local.winner, local.reason)
    assert (rehearsed.users, rehearsed.validation_users) == (local.users, local.validation_users)
    for name, expected in table(local).items():
        found = table(rehearsed)[name]
        assert (found.settings, found.chosen, found.fault) == (expected.settings, expected.chosen, expected.fault)
        assert _equal(found.validation, expected.validation)
        assert _equal(found.behind, expected.behind)
        assert found.evaluation is not None and expected.evaluation is not None
        assert set(found.evaluation.metrics) == set(expected.evaluation.metrics)
        for metric, measured in expected.evaluation.metrics.items():
            assert _equal(found.evaluation.metrics[metric], measured), (name, metric)
        assert found.decision is not None and expected.decision is not None
        assert found.decision.blessed == expected.decision.blessed


def test_rehearsed_comparison_pushes_the_winner_that_the_local_one_pushes(
    place: Place, rehearsed: ComparisonReport, local: ComparisonReport
) -> None:
    there, here = _served(place.here("gs://example-bucket/books/serving")), _served(place.home / "serving")
    assert there.candidate == here.candidate == rehearsed.winner == "neighbours"
    assert there.config_digest == here.config_digest


def test_rehearsal_prints_the_table_and_has_a_task_for_each_candidate(place: Place, shown: str) -> None:
    assert "Winner: neighbours." in shown
    tasks = place.records(0)
    assert {f"{task}-{name}" for task in ("Trainer", "ServingCheck") for name in CANDIDATES} < set(tasks)
    # Side by side: no candidate waits for another one.
    for name in CANDIDATES:
        assert not any("Trainer" in task for task in tasks[f"Trainer-{name}"].inputs)


def test_plain_rehearsal_after_it_trains_the_champion(place: Place, rehearsed: ComparisonReport) -> None:
    ratings = next((place.folder / "datasets" / "books-40m" / "interactions").iterdir())
    lines = ratings.read_text().splitlines(keepends=True)
    ratings.write_text("".join(lines[:-100]))
    place.perennial("vertex", "rehearse")
    trained = next(place.output(-1, "Trainer", "model").glob("**/provenance.json")).parents[1]
    assert Provenance.read(trained).candidate == rehearsed.winner
    assert not WarmStartReport.read(place.output(-1, "Trainer", "model_run")).unchanged
    assert "ModelComparison" not in place.records(-1)
