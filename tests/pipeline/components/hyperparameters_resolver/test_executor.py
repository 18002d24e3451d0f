"""HyperParametersResolver: which artifact it finds by Tuner's note."""

from pathlib import Path

import pytest
from tfx import types
from tfx.types import standard_artifacts

from common.errors import OutputError
from documents.tuning import NewestTuning
from pipeline.components.hyperparameters_resolver import executor
from pipeline.ground.presence import present
from pipeline.ground.tuned import SEARCHED


def found(tmp_path: Path) -> list[types.Artifact]:
    made = standard_artifacts.HyperParameters()
    made.uri = str(tmp_path / "own")
    executor.Executor().Do({}, {"hyperparameters": [made]}, {"work_dir": str(tmp_path / "tuning")})
    return present({"hyperparameters": [made]})["hyperparameters"]


def test_do_before_the_first_search_finds_none(tmp_path: Path) -> None:
    assert found(tmp_path) == []


def test_do_finds_the_artifact_that_the_note_names_and_when_it_was_searched(tmp_path: Path) -> None:
    (tmp_path / "artifact").mkdir()
    NewestTuning(uri=str(tmp_path / "artifact"), searched=1_700_000_000).write(tmp_path / "tuning")
    (artifact,) = found(tmp_path)
    assert artifact.uri == str(tmp_path / "artifact")
    assert artifact.get_int_custom_property(SEARCHED) == 1_700_000_000


def test_do_artifact_that_is_gone_finds_none(tmp_path: Path) -> None:
    NewestTuning(uri=str(tmp_path / "artifact"), searched=1).write(tmp_path / "tuning")
    assert found(tmp_path) == []


def test_do_damaged_note_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "tuning").mkdir()
    (tmp_path / "tuning" / NewestTuning.FILE).write_text("{")
    with pytest.raises(OutputError, match=r"is damaged: .* Delete it: runs then train with the settings of the config"):
        found(tmp_path)
