"""LiveModelResolver: which model artifact it finds by the serving folder."""

import shutil
from pathlib import Path

import pytest
from tfx import types
from tfx.types import standard_artifacts

from pipeline.components.live_model_resolver import executor
from pipeline.ground.presence import present
from pipeline.store.versions.push import push
from pipeline.store.versions.rollback import roll_back
from serving_signatures.provenance import model_digest


def model_artifact(folder: Path, content: str) -> Path:
    """A model as the trainer leaves it, of some content."""
    saved = folder / "Format-Serving"
    saved.mkdir(parents=True)
    (saved / "saved_model.pb").write_text(content)
    return folder


def found(tmp_path: Path) -> list[types.Artifact]:
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "own")
    executor.Executor().Do({}, {"model": [model]}, {"serving_dir": str(tmp_path / "serving")})
    return present({"model": [model]})["model"]


def test_do_nothing_pushed_yet_finds_none(tmp_path: Path) -> None:
    assert found(tmp_path) == []


def test_do_pushed_models_finds_the_artifact_of_the_newest(tmp_path: Path) -> None:
    for name in ("first", "second"):
        push(str(model_artifact(tmp_path / name, name) / "Format-Serving"), str(tmp_path / "serving"), 5)
    (model,) = found(tmp_path)
    assert model.uri == str(tmp_path / "second")
    assert model.get_string_custom_property("model_digest") == model_digest(f"{model.uri}/Format-Serving")
    assert (tmp_path / "serving" / str(model.get_int_custom_property("version"))).is_dir()


def test_do_after_a_rollback_finds_the_artifact_that_was_gone_back_to(tmp_path: Path) -> None:
    serving = str(tmp_path / "serving")
    first = push(str(model_artifact(tmp_path / "first", "first") / "Format-Serving"), serving, 5).version
    push(str(model_artifact(tmp_path / "second", "second") / "Format-Serving"), serving, 5)
    assert first is not None
    roll_back(serving, 5, str(tmp_path / "no metadata store"), first)
    assert [model.uri for model in found(tmp_path)] == [str(tmp_path / "first")]


def test_do_artifact_that_is_gone_finds_none(tmp_path: Path) -> None:
    model = model_artifact(tmp_path / "first", "first")
    push(str(model / "Format-Serving"), str(tmp_path / "serving"), 5)
    (model / "Format-Serving").rename(tmp_path / "elsewhere")
    assert found(tmp_path) == []


def test_do_same_model_pushed_again_finds_its_newest_artifact(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        push(str(model_artifact(tmp_path / name, "the same") / "Format-Serving"), str(tmp_path / "serving"), 5)
    shutil.rmtree(tmp_path / "monday")  # by its age
    assert [model.uri for model in found(tmp_path)] == [str(tmp_path / "tuesday")]


def test_do_artifact_without_its_graph_finds_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = model_artifact(tmp_path / "first", "first")
    push(str(model / "Format-Serving"), str(tmp_path / "serving"), 5)
    (model / "Format-Serving" / "saved_model.pb").rename(model / "Format-Serving" / "elsewhere")
    assert found(tmp_path) == []
    assert "is gone" in caplog.messages[-1]


def test_do_version_that_somebody_else_put_there_finds_none_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (model_artifact(tmp_path / "theirs", "theirs") / "Format-Serving").rename(tmp_path / "their model")
    (tmp_path / "serving").mkdir()
    (tmp_path / "their model").rename(tmp_path / "serving" / "7")
    assert found(tmp_path) == []
    assert "version 7 is unknown" in caplog.messages[-1]


def test_do_while_a_rollback_is_at_work_finds_what_it_goes_back_to(tmp_path: Path) -> None:
    serving = str(tmp_path / "serving")
    first = push(str(model_artifact(tmp_path / "first", "first") / "Format-Serving"), serving, 5).version
    push(str(model_artifact(tmp_path / "second", "second") / "Format-Serving"), serving, 5)
    assert first is not None
    seen: list[str] = []

    def elsewhere(*_: object) -> None:
        seen.extend(model.uri for model in found(tmp_path))

    roll_back(serving, 5, None, first, elsewhere)
    assert seen == [str(tmp_path / "first")]
