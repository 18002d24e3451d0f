"""The model that a run made."""

import shutil
from pathlib import Path

import pytest

from common.errors import ModelError
from pipeline.store.runs.model import model_of_run
from pipeline.store.runs.records import Run, read_runs
from tests.pipeline.store.runs.history import NAME, History


def _run(history: History) -> Run:
    return read_runs(history.metadata_path, NAME)[-1]


def test_model_of_run_is_the_one_it_made_and_not_the_one_it_found(history: History) -> None:
    (earlier,) = history.run().node("Trainer", {"model": "Model"}, files={"Format-Serving/saved_model.pb": ""})
    run = history.run()
    run.node("LatestBlessedModel", reuse=[earlier], event="INTERNAL_OUTPUT")
    with pytest.raises(ModelError, match=r"^run 2 has no model; it succeeded\. See `perennial runs show 2`\.$"):
        model_of_run(_run(history))
    (made,) = run.node("Trainer", {"model": "Model"}, files={"Format-Serving/saved_model.pb": ""})
    assert model_of_run(_run(history)) == f"{history.artifact(made).uri}/Format-Serving"


def test_model_of_run_answered_from_the_cache_is_the_earlier_one(history: History) -> None:
    (made,) = history.run().node("Trainer", {"model": "Model"}, files={"Format-Serving/saved_model.pb": ""})
    history.run().node("Trainer", reuse=[made], state="CACHED")
    assert model_of_run(_run(history)) == f"{history.artifact(made).uri}/Format-Serving"


@pytest.mark.parametrize(("outcome", "reason"), [("failed", "it failed"), ("killed", "it was killed")])
def test_model_of_run_that_ended_before_training_says_how(history: History, outcome: str, reason: str) -> None:
    history.run(outcome=outcome).node("Gen", {"examples": "Examples"})
    with pytest.raises(ModelError, match=f"^run 1 has no model; {reason}"):
        model_of_run(_run(history))


def test_model_of_run_files_deleted_says_why(history: History) -> None:
    (made,) = history.run().node("Trainer", {"model": "Model"}, files={"Format-Serving/saved_model.pb": ""})
    shutil.rmtree(Path(history.artifact(made).uri))
    with pytest.raises(ModelError, match=r"was deleted\. Old runs are deleted as runs\.keep in the config says"):
        model_of_run(_run(history))
