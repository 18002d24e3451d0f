"""The exit status of `perennial run`, by what the run's gate and Pusher decided."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import pipeline.runners
from pipeline.commands import cli
from pipeline.store.runs.records import read_runs
from tests.pipeline.store.runs.history import NAME, History

Ran = Callable[[], int]


@pytest.fixture
def ran(history: History, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Lets `perennial run` have made the newest run of the history."""

    def run(_: object) -> object:
        return read_runs(history.metadata_path, NAME)[-1]

    # In place of the real module, which imports TFX.
    monkeypatch.setattr(pipeline.runners, "local", SimpleNamespace(run=run), raising=False)
    return lambda: cli.main(["run", "--config", str(history.config)])


def _judged(history: History, failed: str = "") -> History:
    run = history.run()
    custom_properties = {"failed_rules": failed}
    run.node("RetrievalEvaluator", {"evaluation": "ModelEvaluation"}, custom_properties=custom_properties)
    run.node("Pusher", {"pushed_model": "PushedModel"}, custom_properties={"pushed": 0})
    return history


def test_run_model_pushed_or_live_already_status_0(
    history: History, ran: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    history.run().node(
        "Pusher", {"pushed_model": "PushedModel"}, custom_properties={"pushed": 1, "pushed_version": "1000"}
    )
    assert ran() == 0
    assert capsys.readouterr() == ("", "")


def test_run_gate_refuses_status_3_with_the_rules(
    history: History, ran: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    _judged(history, "coverage, min_users")
    assert ran() == 3
    assert capsys.readouterr().err == (
        "Not pushed: the gate refused the model (coverage, min_users). The served model has not changed. "
        "See: perennial runs show 1\n"
    )


def test_run_model_that_a_rollback_withdrew_status_3_with_the_reason(
    history: History, ran: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    _judged(history)
    assert ran() == 3
    assert capsys.readouterr().err.startswith("Not pushed: a rollback has withdrawn this model. ")


def test_run_bad_yaml_is_reported_before_tfx_is_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # None in sys.modules makes the import fail.
    monkeypatch.delattr(pipeline.runners, "local", raising=False)
    monkeypatch.setitem(sys.modules, "pipeline.runners.local", None)
    config = tmp_path / "shop.yaml"
    config.write_text("name: shop\n")
    assert cli.main(["run", "--config", str(config)]) == 1
    assert "log: Field required" in capsys.readouterr().err
