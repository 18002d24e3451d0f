"""The folder of a pipeline, also where a folder's name looks like a pattern."""

import glob
import shutil
from pathlib import Path

import pytest

from configs import home as shared
from configs.pipeline import PipelineConfig
from pipeline.ground.home import cache_dir, local_events_dir, local_home, local_serving_dir


def config(output_dir: Path) -> PipelineConfig:
    return PipelineConfig.model_validate({"name": "shop", "log": {"path": "log.csv"}, "output_dir": str(output_dir)})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_local_home_is_in_the_output_folder(tmp_path: Path, cache: Path) -> None:
    assert local_home(config(tmp_path / "runs")) == tmp_path / "runs" / "shop"
    assert not cache.exists()


def test_service_and_runs_use_the_same_folders(tmp_path: Path) -> None:
    ours = config(tmp_path / "runs")
    assert shared.home(ours) == local_home(ours)
    assert shared.serving_dir(ours) == local_serving_dir(ours)
    assert shared.events_dir(ours) == local_events_dir(ours)


@pytest.mark.parametrize("folder", ["shop [2026]", "what?", "a*b", "in [1]/of [2]"])
def test_local_home_below_a_name_that_looks_like_a_pattern_has_another_path(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    home = local_home(config(tmp_path / folder / "runs"))
    assert not glob.has_magic(str(home))
    home.mkdir(parents=True)
    (home / "file").write_text("one")
    assert (tmp_path / folder / "runs" / "shop" / "file").read_text() == "one"
    assert local_home(config(tmp_path / folder / "runs")) == home
    other = local_home(config(tmp_path / "other [1]"))
    assert other.resolve() == tmp_path / "other [1]" / "shop"


def test_local_home_link_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    home = local_home(config(tmp_path / "[1]" / "runs"))
    shutil.rmtree(cache_dir())
    assert local_home(config(tmp_path / "[1]" / "runs")) == home
    assert home.parent.parent.resolve() == tmp_path / "[1]"


def test_local_home_cache_folder_that_looks_like_a_pattern_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache [1]"))
    home = local_home(config(tmp_path / "[1]" / "runs"))
    assert not glob.has_magic(str(home))
    assert home.parent.parent.resolve() == tmp_path / "[1]"
