"""A local run whose output folder cannot be written, through both of its entry points: told before anything runs.

What stands in the way is of the wrong kind, not of the wrong owner: the superuser may write everywhere.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import local_runner
from common.errors import DataError, OutputError
from configs.load import CONFIG_VARIABLE, load_config
from configs.pipeline import PipelineConfig
from pipeline.commands import cli
from pipeline.runners import local
from pipeline.store.runs.records import Run, read_runs
from pipeline.store.versions.push import push
from pipeline.store.versions.rollback import default_target, roll_back
from tests.pipeline.store.runs.history import NAME, History
from tests.pipeline.store.versions.folders import make_model


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "shop.yaml"
    file.write_text("name: shop\nlog: {path: log.csv}\noutput_dir: runs\n")
    return file


def _file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("no folder")


def _folder(path: Path) -> None:
    path.mkdir(parents=True)


IN_THE_WAY = [
    ("runs", _file, "runs/shop"),
    ("runs/shop", _file, "runs/shop"),
    ("runs/shop/logs", _file, "runs/shop/logs"),
    ("runs/shop/artifacts", _file, "runs/shop/artifacts"),
    ("runs/shop/serving", _file, "runs/shop/serving"),
    ("runs/shop/metadata.db", _folder, "runs/shop/metadata.db"),
]


@pytest.mark.fault
@pytest.mark.parametrize(("place", "make", "named"), IN_THE_WAY)
def test_perennial_run_output_cannot_be_written_one_line_and_status_1(
    config: Path, capsys: pytest.CaptureFixture[str], place: str, make: Callable[[Path], None], named: str
) -> None:
    make(config.parent / place)
    before = sorted(config.parent.rglob("*"))
    assert cli.main(["run", "--config", str(config)]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"OutputError: {config.parent / named}: cannot be written (")
    assert said.err.endswith("Free disk space, make the file writable, or name another folder in output_dir.\n")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert sorted(config.parent.rglob("*")) == before


@pytest.mark.fault
def test_local_runner_output_cannot_be_made_one_line(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (config.parent / "runs").write_text("no folder")
    monkeypatch.setenv(CONFIG_VARIABLE, str(config))
    with pytest.raises(SystemExit) as caught:
        local_runner.main()
    assert str(caught.value).startswith("OutputError: ")
    assert "\n" not in str(caught.value)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("error", "is_explained"),
    [
        (OSError(28, "No space left on device"), True),
        (RuntimeError("variables.data; No space left on device [while running 'Write']"), True),
        (OSError(30, "Read-only file system"), True),
        (RuntimeError("Error when executing query: database or disk is full query: COMMIT;"), True),
        (RuntimeError("out of memory"), False),
        (DataError("No space left on device is a film's title"), False),
    ],
)
def test_run_full_disk_reported_in_one_line_other_errors_as_they_are(
    tmp_path: Path, error: Exception, is_explained: bool
) -> None:
    def fails() -> None:
        with local._full_disks_reported(tmp_path):
            raise error

    with pytest.raises(Exception) as caught:
        fails()
    assert isinstance(caught.value, OutputError) == is_explained
    assert (caught.value.__cause__ if is_explained else caught.value) is error


def _full(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.fault
def test_perennial_run_disk_that_takes_names_but_no_bytes_reported_before_anything_runs(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", _full)
    assert cli.main(["run", "--config", str(config)]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"OutputError: {config.parent / 'runs' / 'shop'}: cannot be written (No space left on ")
    assert said.out == ""


@pytest.mark.fault
def test_run_disk_full_while_the_last_run_is_put_in_order_reported_in_one_line(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("Error when executing query: database or disk is full query: COMMIT;")

    monkeypatch.setattr(local, "recover", full)
    assert cli.main(["run", "--config", str(config)]) == 1
    home = config.parent / "runs" / "shop"
    said = f"OutputError: {home}: cannot be written (database or disk is full). Free disk space, "
    assert capsys.readouterr().err.startswith(said)


NIGHTS = 4


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[PipelineConfig, History]:
    """A pipeline of which two runs are kept, and whose every run reads its data and is then refused by DataGate."""
    history = History(tmp_path)
    with history.config.open("a") as file:
        file.write("runs: {keep: 2}\n")

    class Runner:
        def run(self, _: object, **__: object) -> None:
            run = history.run(outcome=None)
            run.node("InteractionGen", {"examples": "Examples"}, files={"data": "x"})
            run.node("DataGate", {"blessing": "DataBlessing"}, state="FAILED")
            raise DataError("too few interactions")

    monkeypatch.setattr(local, "create_pipeline", lambda *_, **__: None)
    monkeypatch.setattr(local, "LocalDagRunner", Runner)
    return load_config(history.config), history


@pytest.mark.fault
def test_run_refused_every_night_old_data_deleted_all_the_same(refused: tuple[PipelineConfig, History]) -> None:
    config, history = refused
    for _ in range(NIGHTS):
        with pytest.raises(DataError, match="too few interactions"):
            local.run(config)
    runs = read_runs(history.metadata_path, NAME)
    assert [run.state for run in runs] == ["failed"] * NIGHTS
    data = [run.outputs("Examples")["InteractionGen"] for run in runs]
    assert [artifact.state for artifact in data] == ["DELETED", "DELETED", "LIVE", "LIVE"]
    assert [Path(artifact.uri).exists() for artifact in data] == [False, False, True, True]


@pytest.mark.fault
def test_run_old_data_cannot_be_deleted_the_runs_own_error_comes_through(
    refused: tuple[PipelineConfig, History], capsys: pytest.CaptureFixture[str]
) -> None:
    config, history = refused
    log_that_is_a_folder = history.home / "logs" / "20000101T000000.000000Z.log"
    log_that_is_a_folder.mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(DataError, match="too few interactions"):
            local.run(config)
    said = " ".join(capsys.readouterr().out.split())  # a terminal breaks lines where it likes
    assert said.count("old runs were not deleted (IsADirectoryError: ") == 2


def _damaged_push(history: History, folder: Path) -> None:
    """Two versions are served, and the record of the older one's push is damaged."""
    for name in "ab":
        push(make_model(folder / name, name), str(history.serving), 5)
    oldest = min(history.serving.glob("[0-9]*"), key=lambda version: int(version.name))
    (oldest / "assets.extra" / "push.json").write_text("{")


@pytest.mark.fault
def test_run_damaged_record_of_an_old_push_the_runs_own_error_comes_through(
    refused: tuple[PipelineConfig, History], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, history = refused
    _damaged_push(history, tmp_path)
    with pytest.raises(DataError, match="too few interactions"):
        local.run(config)
    assert "old runs were not deleted (OutputError: " in " ".join(capsys.readouterr().out.split())


@pytest.mark.fault
def test_perennial_run_damaged_record_of_an_old_push_status_is_still_that_of_a_refused_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(tmp_path)
    _damaged_push(history, tmp_path)

    class Runner:
        def run(self, _: object, **__: object) -> None:
            history.run(outcome=None).node("Trainer", {"model": "Model", "model_run": "ModelRun"})

    monkeypatch.setattr(local, "create_pipeline", lambda *_, **__: None)
    monkeypatch.setattr(local, "LocalDagRunner", Runner)
    assert cli.main(["run", "--config", str(history.config)]) == 3
    said = capsys.readouterr()
    assert said.err.startswith("Not pushed: ")
    assert "push.json is damaged" in said.out.replace("\n", "")


@pytest.mark.fault
def test_run_that_failed_and_cannot_be_read_the_runs_own_error_comes_through(
    refused: tuple[PipelineConfig, History], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, _ = refused
    reads = list[str]()

    def read_once(metadata_path: str, name: str) -> list[Run]:
        reads.append(name)
        if len(reads) > 1:
            raise RuntimeError("database is locked")
        return read_runs(metadata_path, name)

    monkeypatch.setattr(local, "read_runs", read_once)
    with pytest.raises(DataError, match="too few interactions"):
        local.run(config)
    assert "RuntimeError: database is locked" in " ".join(capsys.readouterr().out.split())


def test_run_withdrawn_model_blessed_anew_loses_its_blessing_before_anything_runs(
    refused: tuple[PipelineConfig, History],
) -> None:
    config, history = refused
    for name in "ab":
        run = history.run()
        (model,) = run.node("Trainer", {"model": "Model"})
        blessed = {"blessed": 1, "current_model_id": model}
        run.node("Evaluator", {"blessing": "ModelBlessing"}, custom_properties=blessed)
        result = push(make_model(Path(history.artifact(model).uri, "Format-Serving"), name), str(history.serving), 5)
        custom_properties = {"pushed": 1, "pushed_destination": result.path, "model_digest": result.digest}
        run.node("Pusher", {"pushed_model": "PushedModel"}, inputs=[model], custom_properties=custom_properties)
    roll_back(str(history.serving), 5, history.metadata_path, default_target(str(history.serving)))
    history.run().node("Evaluator", {"blessing": "ModelBlessing"}, custom_properties=blessed)
    with pytest.raises(DataError, match="too few interactions"):
        local.run(config)
    blessings = history.store.get_artifacts_by_type("ModelBlessing")
    assert [each.custom_properties["blessed"].int_value for each in blessings] == [1, 0, 0]
