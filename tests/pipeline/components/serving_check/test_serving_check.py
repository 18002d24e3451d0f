"""ServingCheck on the shop's exported model, whole and broken; each in a process of its own where that matters."""

import json
import logging
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import numpy as np
import pytest
from tfx.components.util import model_utils
from tfx.types import standard_artifacts

from common import answers
from configs.push import ServingCheckSettings as Settings
from documents.provenance import Provenance
from documents.serving_requests import ServingRequests
from pipeline.components.serving_check import replay
from pipeline.components.serving_check.executor import Executor
from pipeline.components.serving_check.process import check
from serving_signatures.export import SIGNATURES, export_model
from serving_signatures.retriever import Retriever
from tests import forked
from tests.serving_signatures.oracle import exported, make_retriever
from tests.trainer_inputs import TrainerInputs

NAMES = [signature.name for signature in SIGNATURES]
PYTHON = sys.executable


@pytest.fixture(autouse=True)
def forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the check start forks of a process that has imported TensorFlow and nothing else."""
    monkeypatch.setattr(sys, "executable", forked.python())


@pytest.fixture(scope="module")
def model(shop: TrainerInputs) -> Path:
    """The SavedModel of the shop, in a Model artifact's folder."""
    return exported(shop)


def do(model: Path, tmp_path: Path, settings: Settings) -> tuple[Any, dict[str, Any]]:
    """Runs the executor; the blessing, and the report in it."""
    given, blessing = standard_artifacts.Model(), standard_artifacts.InfraBlessing()
    given.uri, blessing.uri = str(model.parent), str(tmp_path / "blessing")
    Executor().Do(
        {"model": [given]}, {"blessing": [blessing]}, {"settings": settings.model_dump_json(), "code_digest": "c"}
    )
    report: dict[str, Any] = json.loads((tmp_path / "blessing" / "serving_check.json").read_text())
    word = "INFRA_BLESSED" if report["blessed"] else "INFRA_NOT_BLESSED"
    assert {path.name for path in (tmp_path / "blessing").iterdir()} == {"serving_check.json", word}
    assert model_utils.is_infra_validated(blessing) is report["blessed"]
    return blessing, report


@pytest.mark.e2e
def test_do_model_as_the_trainer_left_it_blessed_and_measured(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", PYTHON)
    # What lies on the caller's PYTHONPATH must not reach the process.
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "base64.py").write_text("raise SystemExit('not in a clean environment')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    caplog.set_level(logging.INFO)
    _, report = do(model, tmp_path, Settings(repeats=5, max_p95_latency_ms=10_000))
    assert report["failures"] == []
    assert report["limits"] == {"timeout_seconds": 300, "tolerance": 1e-4, "max_p95_latency_ms": 10_000, "repeats": 5}
    assert set(report["signatures"]) == set(NAMES)
    for figures in report["signatures"].values():
        assert figures["requests"] >= 3
        assert figures["max_difference"] < 1e-5
        latency = figures["latency_ms"]
        assert 0 < latency["p50"] <= latency["p95"] <= latency["max"]
    assert report["load_seconds"] > 0
    assert 100 < report["peak_rss_mib"] < 4000
    assert caplog.messages[-1].startswith("all 8 signatures answer like the trainer's model; loaded in ")


@pytest.mark.fault
def test_do_damaged_weights_not_blessed_and_says_why(
    model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = Path(shutil.copytree(model, tmp_path / "model" / "Format-Serving"))
    data = damaged / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1000])
    _, report = do(damaged, tmp_path, Settings())
    [failure] = report["failures"]
    assert failure.startswith("the check ended with status 1: ")
    assert len(failure) < 1700
    assert "variables" in failure
    assert caplog.messages[-1].startswith("not blessed: the check ended with status 1")


@pytest.mark.fault
def test_do_too_slow_to_answer_at_all_not_blessed(model: Path, tmp_path: Path) -> None:
    _, report = do(model, tmp_path, Settings(timeout_seconds=0.2))
    assert report["failures"] == ["the check took longer than 0.2 s and was stopped"]


@pytest.mark.fault
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import os; os.kill(os.getpid(), 9)", f"the check was killed by {signal.SIGKILL.name}: "),
        ("import ctypes; ctypes.string_at(0)", f"the check was killed by {signal.SIGSEGV.name}: "),
        ("import os; os.kill(os.getpid(), 40)", "the check was killed by signal 40: "),  # of real time: it has no name
        ("raise SystemExit('no memory')", "the check ended with status 1: no memory"),
    ],
)
def test_check_process_that_dies_not_blessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    (tmp_path / "script.py").write_text(script)
    monkeypatch.setattr(replay, "__file__", str(tmp_path / "script.py"))
    report = check(str(tmp_path), NAMES, [], Settings())
    assert report.blessed is False
    assert [failure.startswith(said) for failure in report.failures] == [True]


@pytest.mark.fault
def test_check_process_that_cannot_be_started_not_blessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "no python"))
    report = check(str(tmp_path), NAMES, [], Settings())
    assert report.failures == ("the check could not be started: No such file or directory",)
    assert report.to_values().keys() == {*replay.nothing_asked(), "format_version", "blessed", "limits"}


def _replayed(folder: Path, names: list[str] = NAMES, **options: Any) -> list[str]:
    failures: list[str] = replay.replay(str(folder), _options(names, **options))["failures"]
    return failures


def _options(names: list[str] = NAMES, **options: Any) -> dict[str, Any]:
    settings = Settings(repeats=5, **options).model_dump(mode="json")
    requests = {"requests_file": ServingRequests.FILE, "requests_format": ServingRequests.current_format()}
    return {**settings, **requests, "signatures": names, "together": [], "answers_file": answers.__file__}


def _nan(retriever: Retriever) -> None:
    retriever.model.embedding.assign(np.full(retriever.model.embedding.shape, np.nan, np.float32))


def _zero(retriever: Retriever) -> None:
    retriever.model.embedding.assign(np.zeros(retriever.model.embedding.shape, np.float32))


def _shift(retriever: Retriever) -> None:
    retriever.item_id.assign(np.roll(retriever.item_id.numpy(), 1))


@pytest.mark.fault
@pytest.mark.parametrize(
    ("change", "said"), [(_nan, "not finite"), (_zero, "the trainer's"), (_shift, "item_id differs")]
)
def test_replay_weights_changed_after_training_refused(
    model: Path, shop: TrainerInputs, tmp_path: Path, change: Callable[[Retriever], None], said: str
) -> None:
    retriever, _ = make_retriever(shop)
    change(retriever)
    export_model(retriever, str(tmp_path / "model"), Provenance())
    shutil.copy(model / ServingRequests.FILE, tmp_path / "model" / ServingRequests.FILE)  # the answers from before
    failures = _replayed(tmp_path / "model")
    refused = {failure.split(":")[0] for failure in failures if said in failure}
    assert {"recommend", "serving_default", "similar_items"} <= refused


@pytest.mark.fault
def test_replay_nan_that_the_trainer_had_too_refused(shop: TrainerInputs, tmp_path: Path) -> None:
    retriever, _ = make_retriever(shop)
    _nan(retriever)
    export_model(retriever, str(tmp_path / "model"), Provenance())
    failures = _replayed(tmp_path / "model")
    assert "embed_items: several: embedding holds numbers that are not finite" in failures


@pytest.fixture
def edited(model: Path, tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """Copies the model with its requests edited."""

    def edit(change: Callable[[dict[str, Any]], None]) -> Path:
        folder = Path(shutil.copytree(model, tmp_path / "edited"))
        stored = json.loads((folder / ServingRequests.FILE).read_text())
        change(stored)
        (folder / ServingRequests.FILE).write_text(json.dumps(stored))
        return folder

    return edit


@pytest.mark.fault
def test_replay_signatures_that_do_not_match_refused(edited: Callable[..., Path]) -> None:
    def change(stored: dict[str, Any]) -> None:
        kinds = stored["signatures"]
        kinds["recommend"]["inputs"]["k"] = "int64"
        kinds["similar_items"]["outputs"]["neighbour"] = "string"
        stored["requests"] = [r for r in stored["requests"] if r["signature"] != "embed_users"]
        stored["requests"] = [r for r in stored["requests"] if r["signature"] != "embed_items" or r["name"] == "one"]
        for request in stored["requests"]:
            if request["signature"] == "catalogue" and request["name"] == "beyond the end":
                request["inputs"]["offset"]["data"] = "//////////8="  # -1
            if request["signature"] == "embed_items":
                request["outputs"]["known"]["data"] = "AA=="  # False

    failures = sorted(_replayed(edited(change), [*NAMES, "explain"]))
    assert failures[0].startswith("catalogue: beyond the end: InvalidArgumentError: ")
    assert "offset must not be below 0" in failures[0]
    assert failures[1:4] == [
        "embed_items: one: known differs from the trainer's in 1 of 1 places",
        "embed_users: the model has no stored request for it",
        "explain: the model has no such signature",
    ]
    assert failures[4].startswith("recommend: its inputs are {")
    assert failures[5].startswith("similar_items: its outputs are {")
    assert len(failures) == 6


@pytest.mark.fault
@pytest.mark.parametrize("found", [0, ServingRequests.current_format() + 1])
def test_check_requests_of_another_format_refused(edited: Callable[..., Path], found: int) -> None:
    report = check(str(edited(lambda stored: stored.update(format_version=found))), NAMES, [], Settings())
    assert report.failures == (
        f"the model's {ServingRequests.FILE} has format version {found}, and this code reads version "
        f"{ServingRequests.current_format()}",
    )


@pytest.mark.fault
def test_replay_requests_taken_away_refused(model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    whole = replay.replay(str(folder), _options())
    (folder / ServingRequests.FILE).unlink()
    report = check(str(folder), NAMES, [], Settings())
    assert report.failures == (f"the model has no file {ServingRequests.FILE}",)
    assert report.to_values().keys() == {*whole, "format_version", "blessed", "limits"}
    assert report.signatures == {}


@pytest.mark.fault
def test_replay_slower_than_allowed_refused(model: Path) -> None:
    failures = _replayed(model, max_p95_latency_ms=1e-6)
    assert len(failures) == len(NAMES)
    assert all("; the limit is 1e-06 ms" in failure for failure in failures)


def test_do_no_model_is_refused_with_the_reason(tmp_path: Path) -> None:
    _, report = do(tmp_path / "model" / "Format-Serving", tmp_path, Settings())
    assert (report["blessed"], report["signatures"]) == (False, {})
    assert report["failures"] == ["there is no model, because its training failed"]
