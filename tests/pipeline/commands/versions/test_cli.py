"""`perennial versions list` and `perennial versions rollback` as a person sees them."""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import pytest

from pipeline.commands import cli
from pipeline.store.runs.metadata import open_store
from pipeline.store.versions.push import push
from serving_signatures.provenance import model_digest
from tests.pipeline.store.versions.conftest import Clock
from tests.pipeline.store.versions.folders import make_model, served


@pytest.fixture
def config(tmp_path: Path, clock: Clock) -> str:
    file = tmp_path / "shop.yaml"
    file.write_text("name: shop\nlog: {path: log.csv}\noutput_dir: runs\npush: {keep_versions: 3}\n")
    return str(file)


@pytest.fixture
def serving(config: str, tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "shop" / "serving"
    for name in "ab":
        push(make_model(tmp_path / name, name), str(folder), 3)
    return folder


def test_versions_json_tells_live_digest_metrics_start_and_size(
    config: str, serving: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["versions", "list", "--config", config, "--json"]) == 0
    older, live = json.loads(capsys.readouterr().out)
    assert [older["live"], live["live"]] == [False, True]
    assert (older["version"], live["version"]) == (1000, 1001)
    assert live["model_digest"] == model_digest(str(tmp_path / "b"))
    assert (live["metrics"], live["warm"]) == ({"ndcg@10": 0.25}, True)
    assert live["bytes"] == sum(file.stat().st_size for file in (serving / "1001").rglob("*") if file.is_file())
    assert (live["withdrawn"], live["rolled_back_to"]) == (False, None)


def test_versions_table_shows_oldest_first_and_what_a_rollback_did(
    config: str, serving: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["versions", "rollback", "--config", config]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[:2] == [
        "Rolling back to version 1000.",
        "The model of version 1000 is live again, as version 1002.",
    ]
    assert "Version 1001 (" in said
    assert "There is no metadata store here" in said
    assert cli.main(["versions", "list", "--config", config]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert [row.split("│")[1].strip() for row in rows] == ["1001", "1002"]
    assert [row.split("│")[3].strip() for row in rows] == ["withdrawn", "live, back to 1000"]
    assert all("warm" in row and "0.250" in row for row in rows)


def test_versions_that_somebody_else_put_there_has_the_time_of_its_files(
    config: str, serving: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = serving / "20261125120000"  # no seconds since 1970
    shutil.copytree(Path(make_model(tmp_path / "c", "c")), foreign)
    os.utime(foreign / "saved_model.pb", (1_700_000_000, 1_700_000_000))
    assert cli.main(["versions", "list", "--config", config]) == 0
    assert re.search(r"20261125120000 +│ 2023-11-14 22:13 +│ live", capsys.readouterr().out)


def test_versions_nothing_pushed_is_reported(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["versions", "list", "--config", config, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert cli.main(["versions", "list", "--config", config]) == 0
    assert capsys.readouterr().out == f"No version has been pushed to {Path(config).parent}/runs/shop/serving yet.\n"


def test_rollback_waits_for_a_run_that_pushes_goes_where_it_would_have_gone_before(
    config: str, serving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def after_a_run(_: object) -> Iterator[None]:
        push(make_model(tmp_path / "d", "d"), str(serving), 3)
        yield

    monkeypatch.setattr("pipeline.store.runs.lock.pipeline_lock", after_a_run)
    assert cli.main(["versions", "rollback", "--config", config]) == 0
    assert served(serving) == {1001: "b", 1002: "d", 1003: "a"}


def test_rollback_to_the_live_version_says_so(config: str, serving: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["versions", "rollback", "1001", "--config", config]) == 0
    assert capsys.readouterr().out.startswith("Version 1001 is already live.")
    assert sorted(served(serving)) == [1000, 1001]


def test_rollback_to_nothing_is_one_line_and_status_1(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["versions", "rollback", "--config", config]) == 1
    said = capsys.readouterr().err
    assert said.startswith("ModelError: no model has been pushed to ")
    assert said.count("\n") == 1


def test_rollback_model_that_the_metadata_store_does_not_have_is_warned_of(
    config: str, serving: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_store(str(serving.parent / "metadata.db"))
    assert cli.main(["versions", "rollback", "--config", config]) == 0
    assert "Warning: the metadata store no longer has this model's artifact" in capsys.readouterr().out
