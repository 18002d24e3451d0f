"""Tuner's executor on a small log: what it writes, when it searches, and what an interrupted search leaves."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from tfx import types
from tfx.types import artifact_utils, standard_artifacts

from common.errors import TrainingError
from configs.models import AnyModel, Popularity
from configs.serving import Serving
from configs.tuner import Tuner
from documents.provenance import MadeBy
from documents.tuning import NewestTuning, TuningReport
from pipeline.components.tuner import executor
from pipeline.ground.artifacts import DataBlessing
from pipeline.ground.tuned import SEARCHED
from tests.trainer.tuning.worlds import ITEMS, blurred, ring
from tests.trainer_inputs import TrainerInputs, make_inputs
from trainer.settings import TrainerSettings
from trainer.tuning.search import Search

pytestmark = pytest.mark.e2e

MODEL = blurred()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> TrainerInputs:
    """The ring as transformed Examples."""
    data = ring()
    names = [f"i{item:02d}" for item in range(ITEMS)]
    users, offset = data.interactions.users, data.interactions.offset
    of_user = [data.interactions.item[offset[user] : offset[user + 1]] for user in range(users)]
    train = {f"u{user:03d}": [names[item] for item in items] for user, items in enumerate(of_user)}
    return make_inputs(tmp_path_factory.mktemp("ring"), train, {"u000": ["i00"]}, {name: {} for name in names})


def artifact(of_type: type[types.Artifact], folder: Path | str, splits: list[str] | None = None) -> Any:
    made = of_type()
    made.uri = str(folder)
    if splits:
        made.split_names = artifact_utils.encode_split_names(splits)
    return made


def splits_of(folder: Path, patterns: dict[str, str]) -> Path:
    """The folder of an artifact of Examples, with the files of each split."""
    for split, pattern in patterns.items():
        shutil.copytree(Path(pattern).parent, folder / f"Split-{split}", dirs_exist_ok=True)
    return folder


def tuned(
    log: TrainerInputs,
    folder: Path,
    model: AnyModel = MODEL,
    last: Any = None,
    work_dir: Path | None = None,
    **limits: Any,
) -> Any:
    """Runs the executor; returns the artifact of the hyperparameters."""
    interactions = {"train": log.train_files[0], "eval": log.eval_files[0]}
    examples, candidates = standard_artifacts.Examples, standard_artifacts.Examples
    inputs = {
        "examples": [artifact(examples, splits_of(folder / "examples", interactions), ["train", "eval"])],
        "transform_graph": [artifact(standard_artifacts.TransformGraph, log.transform_graph_path)],
        "candidates": [
            artifact(candidates, splits_of(folder / "candidates", {"train": log.candidates_files[0]}), ["train"])
        ],
        "candidates_transform_graph": [
            artifact(standard_artifacts.TransformGraph, log.candidates_transform_graph_path)
        ],
        "data_blessing": [artifact(DataBlessing, folder / "blessing")],
        "hyperparameters": [last] if last is not None else [],
    }
    outputs = {
        "best_hyperparameters": [artifact(standard_artifacts.HyperParameters, folder / "best")],
        "tuner_results": [artifact(standard_artifacts.TunerResults, folder / "results")],
    }
    settings = TrainerSettings.model_validate(
        {
            "trainer": model,
            "serving": Serving(),
            "features": log.features,
            "made_by": MadeBy(pipeline="shop", config_digest="a", code_digest="b"),
        }
    )
    parameters = {
        "trainer": settings.model_dump_json(),
        "limits": Tuner.model_validate({"max_trials": 5} | limits).model_dump_json(),
        "work_dir": str(work_dir or ""),
    }
    executor.Executor().Do(inputs, outputs, parameters)
    return outputs["best_hyperparameters"][0]


def values_in(found: types.Artifact) -> dict[str, Any]:
    (file,) = Path(found.uri).iterdir()
    values: dict[str, Any] = json.loads(file.read_text())["values"]
    return values


def test_do_writes_both_artifacts_as_tfx_does_and_the_note(log: TrainerInputs, tmp_path: Path) -> None:
    since = int(time.time())
    best = tuned(log, tmp_path, work_dir=tmp_path / "tuning")
    report = TuningReport.read(tmp_path / "results")
    rows = json.loads((tmp_path / "results" / "tuner_results.json").read_text())
    assert report.is_taken and values_in(best).pop("kind") == "item_item"
    best_row = {name: value for name, value in rows[0].items() if name not in ("trial_id", "score")}
    assert values_in(best).items() >= {"kind": "item_item", **best_row}.items()
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert {row["trial_id"] for row in rows} == {f"{number:04d}" for number in range(1, 6)}
    searched = best.get_int_custom_property(SEARCHED)
    assert since <= searched <= time.time()
    assert NewestTuning.read(tmp_path / "tuning") == NewestTuning(uri=best.uri, searched=searched)
    assert [file.name for file in (tmp_path / "tuning").iterdir()] == [NewestTuning.FILE]


def test_do_model_without_a_space_keeps_its_settings(log: TrainerInputs, tmp_path: Path) -> None:
    best = tuned(log, tmp_path, Popularity(ordered_history=False))
    assert values_in(best) == {"kind": "popularity", "ordered_history": False, "validation": "none", "days": "none"}
    assert len(TuningReport.read(tmp_path / "results").trials) == 1


def test_do_search_that_is_new_enough_is_handed_on_without_reading_the_data(
    log: TrainerInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = tuned(log, tmp_path / "first")
    monkeypatch.setattr(executor, "read_data", lambda *_: pytest.fail("the data was read"))
    again = tuned(log, tmp_path / "second", last=last, every_days=1)
    assert values_in(again) == values_in(last)
    assert again.get_int_custom_property(SEARCHED) == last.get_int_custom_property(SEARCHED)
    assert json.loads((tmp_path / "second" / "results" / "tuner_results.json").read_text()) == []


@pytest.mark.parametrize(
    ("age_days", "model"),
    [(2.0, MODEL), (0.0, blurred(window=10)), (0.0, blurred(method="cosine"))],
    ids=["old", "config has changed", "method has changed"],
)
def test_do_search_that_is_old_or_of_other_settings_is_done_again(
    log: TrainerInputs, tmp_path: Path, age_days: float, model: AnyModel
) -> None:
    last = tuned(log, tmp_path / "first")
    last.set_int_custom_property(SEARCHED, int(time.time() - age_days * 86_400))
    tuned(log, tmp_path / "second", model, last=last, every_days=1)
    origins = [trial.origin for trial in TuningReport.read(tmp_path / "second" / "results").trials]
    assert len(origins) == 5
    assert ("last search" in origins) == (model == MODEL)


def test_do_damaged_result_of_the_last_search_is_passed_over(
    log: TrainerInputs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "last").mkdir()
    (tmp_path / "last" / "best_hyperparameters.txt").write_text("{")
    tuned(log, tmp_path, last=artifact(standard_artifacts.HyperParameters, tmp_path / "last"), every_days=1)
    assert len(TuningReport.read(tmp_path / "results").trials) == 5
    assert "the result of the last search cannot be used" in caplog.text


@pytest.mark.fault
def test_do_search_that_was_killed_goes_on_with_its_trials(
    log: TrainerInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tuned(log, tmp_path / "whole")

    class Killed(BaseException):
        """The process ends here."""

    tried = Search._try

    def dies(self: Search, *arguments: Any) -> Any:
        if len(self._journal.trials) == 3:
            raise Killed
        return tried(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Search, "_try", dies)
        with pytest.raises(Killed):
            tuned(log, tmp_path / "killed", work_dir=tmp_path / "tuning")
    assert not (tmp_path / "killed" / "best").exists()
    made: list[int] = []

    def counts(self: Search, *arguments: Any) -> Any:
        made.append(len(self._journal.trials) + 1)
        return tried(self, *arguments)

    monkeypatch.setattr(Search, "_try", counts)
    resumed = tuned(log, tmp_path / "resumed", work_dir=tmp_path / "tuning")
    assert made == [4, 5]
    assert values_in(resumed) == values_in(whole)


@pytest.mark.fault
def test_do_data_without_a_second_item_is_a_named_error_and_leaves_nothing(log: TrainerInputs, tmp_path: Path) -> None:
    single = {"u": ["a"], "v": ["b"]}
    alone = make_inputs(tmp_path / "data", single, {"u": ["b"]}, {"a": {}, "b": {}})
    with pytest.raises(TrainingError, match="The tuner needs users with two items or more"):
        tuned(alone, tmp_path)
    assert not (tmp_path / "best").exists()
