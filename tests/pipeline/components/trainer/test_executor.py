"""Trainer's executor: what `run_fn` is given of the base model, and what lies beside the model afterwards."""

import json
import logging
from pathlib import Path

import pytest
from tfx import types
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from common.errors import CandidateError
from documents.training_failure import TrainingFailure
from pipeline.components.trainer import executor
from pipeline.ground.artifacts import DataBlessing
from pipeline.ground.layout import DATA_FOLDER
from pipeline.ground.presence import mark_absent
from tests.documents.samples import DATA_GATE, changed
from tests.trainer_inputs import TrainerInputs
from trainer.fn_args import FnArgs

GIVEN = "given.json"


def write_model(fn_args: FnArgs) -> None:
    """A `run_fn` that learns nothing, and says what it was given."""
    model = Path(fn_args.serving_model_dir)
    model.mkdir(parents=True)
    (model / GIVEN).write_text(json.dumps({"base_model": fn_args.base_model}))


def fail(fn_args: FnArgs) -> None:
    """A `run_fn` that leaves no model."""
    raise RuntimeError("nothing was learned")


def refuse(fn_args: FnArgs) -> None:
    """A `run_fn` of a candidate that cannot be trained."""
    raise CandidateError("diverged")


def artifact(of_type: type[types.Artifact], folder: Path) -> types.Artifact:
    made = of_type()
    made.uri = str(folder)
    if of_type is standard_artifacts.Examples:
        made.split_names = artifact_utils.encode_split_names(["train", "eval"])
        examples_utils.set_payload_format(made, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(made, "tfrecords_gzip")
    return made


def run(
    tmp_path: Path,
    run_fn: str,
    base_model: list[types.Artifact],
    held_out_early: float | None = None,
    ordered_history: bool | None = None,
    candidate: str | None = None,
) -> Path:
    blessing = tmp_path / "blessing"
    (blessing / "statistics").mkdir(parents=True)
    changed(DATA_GATE, counts=DATA_GATE.counts.model_dump() | {"held_out_early": held_out_early}).write(blessing)
    (blessing / "statistics" / "train.pb").write_bytes(b"\x00")
    inputs = {
        "examples": [artifact(standard_artifacts.Examples, tmp_path / "examples")],
        "transform_graph": [artifact(standard_artifacts.TransformGraph, tmp_path / "graph")],
        "candidates": [artifact(standard_artifacts.Examples, tmp_path / "candidates")],
        "candidates_transform_graph": [artifact(standard_artifacts.TransformGraph, tmp_path / "candidates_graph")],
        "data_blessing": [artifact(DataBlessing, blessing)],
        "base_model": base_model,
    }
    outputs = {
        "model": [artifact(standard_artifacts.Model, tmp_path / "model")],
        "model_run": [artifact(standard_artifacts.ModelRun, tmp_path / "run")],
    }
    settings = TrainerInputs([], [], [], "", "", features={}).custom_config(ordered_history=ordered_history)
    settings |= {"candidate": candidate, "is_compared": candidate is not None}
    properties = {
        "train_args": "{}",
        "eval_args": "{}",
        "custom_config": json.dumps(settings),
        "run_fn": f"{__name__}.{run_fn}",
    }
    executor.Executor().Do(inputs, outputs, properties)
    return tmp_path / "model"


def test_do_base_model_is_its_saved_model_and_the_blessing_of_the_data_stays_with_the_model(tmp_path: Path) -> None:
    model = run(tmp_path, "write_model", [artifact(standard_artifacts.Model, tmp_path / "yesterday")])
    given = json.loads((model / "Format-Serving" / GIVEN).read_text())
    assert given == {"base_model": str(tmp_path / "yesterday" / "Format-Serving")}
    files = {str(file.relative_to(model)) for file in model.rglob("*") if file.is_file()}
    kept = {f"{DATA_FOLDER}/gate.json", f"{DATA_FOLDER}/statistics/train.pb"}
    assert files == {f"Format-Serving/{GIVEN}", *kept}


@pytest.mark.parametrize(
    ("held_out_early", "ordered_history", "warns"),
    [
        (0.4, None, True),
        (0.4, True, True),
        (0.4, False, False),
        (0.1, True, False),
        (0.0, True, False),
        (None, True, False),
    ],
)
def test_do_ordered_histories_judged_out_of_order_are_warned_of(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    held_out_early: float | None,
    ordered_history: bool | None,
    warns: bool,
) -> None:
    none = artifact(standard_artifacts.Model, tmp_path / "none")
    mark_absent(none)
    with caplog.at_level(logging.WARNING, "perennial.trainer"):
        run(tmp_path, "write_model", [none], held_out_early, ordered_history)
    assert ("40% of the held-out interactions are older than the newest training" in caplog.text) == warns
    assert ("Set ordered_history: false" in caplog.text) == warns


@pytest.mark.parametrize("stands_for_none", [False, True])
def test_do_first_run_has_no_base_model(tmp_path: Path, stands_for_none: bool) -> None:
    absent = artifact(standard_artifacts.Model, tmp_path / "none")
    mark_absent(absent)
    model = run(tmp_path, "write_model", [absent] if stands_for_none else [])
    assert json.loads((model / "Format-Serving" / GIVEN).read_text()) == {"base_model": None}


def test_do_failed_training_leaves_no_word_on_its_data(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="nothing was learned"):
        run(tmp_path, "fail", [])
    assert not (tmp_path / "model").exists()


def test_do_candidate_that_cannot_be_trained_leaves_the_reason_and_no_model(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(tmp_path, "refuse", [], candidate="towers")
    assert TrainingFailure.read(tmp_path / "run").error == "diverged"
    assert not (tmp_path / "model").exists()
    assert "candidate towers cannot be trained: diverged" in caplog.text


def test_do_training_of_a_candidate_that_breaks_off_fails_and_says_which_and_what_to_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(RuntimeError, match="nothing was learned"):
        run(tmp_path, "fail", [], candidate="towers")
    assert "take towers out of compare.candidates" in caplog.text
    assert not (tmp_path / "run").exists()
