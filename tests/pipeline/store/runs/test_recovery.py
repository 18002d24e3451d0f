"""What a kill leaves, and what somebody deletes, put in order."""

import shutil
from pathlib import Path

import pytest

from common.errors import OutputError
from pipeline.store.runs.disk import TRASH, discard
from pipeline.store.runs.metadata import open_store, runs_of
from pipeline.store.runs.outcome import MAX_ERROR_CHARACTERS, recorded
from pipeline.store.runs.records import read_runs
from pipeline.store.runs.recovery import Recovered, recover
from tests.pipeline.store.runs.history import NAME, History


def _recover(history: History) -> Recovered:
    return recover(history.metadata_path, NAME, history.root)


def test_recover_killed_execution_marked_and_its_half_written_folders_removed(history: History) -> None:
    run = history.run(outcome=None)
    (whole,) = run.node("Gen", {"examples": "Examples"}, files={"data": "x"})
    run.node("Trainer", {"model": "Model", "model_run": "ModelRun"}, state="RUNNING", files={"half": "x"})
    working = history.root / "Trainer" / ".system" / "executor_execution" / "2" / ".temp"
    working.mkdir(parents=True)
    assert _recover(history) == (1, 2, 0)
    left = {path.relative_to(history.root).as_posix() for path in history.root.rglob("*/*/*")}
    assert left == {"Gen/examples/1", "Gen/examples/1/data"}
    assert history.state(whole) == "LIVE"
    (read,) = read_runs(history.metadata_path, NAME)
    assert (read.state, [node.state for node in read.nodes]) == ("killed", ["complete", "killed"])
    assert _recover(history) == (0, 0, 0)


def test_recover_failed_execution_whose_folders_tfx_could_not_remove_cleared(history: History) -> None:
    history.run(outcome="failed").node("Trainer", {"model": "Model"}, state="FAILED", files={"half": "x"})
    assert _recover(history) == (0, 1, 0)
    assert not list(history.root.rglob("half"))


def test_recover_execution_of_another_node_with_the_same_number_kept(history: History) -> None:
    history.run(outcome=None).node("Gen", {"examples": "Examples"}, state="RUNNING")
    other = history.root / "Other" / "output" / "1" / "data"
    other.parent.mkdir(parents=True)
    other.write_text("x")
    _recover(history)
    assert other.exists()


def test_recover_artifact_without_files_marked_deleted(history: History) -> None:
    gone, kept = history.run().node("Trainer", {"model": "Model", "model_run": "ModelRun"})
    shutil.rmtree(history.artifact(gone).uri)
    assert _recover(history) == (0, 0, 1)
    assert (history.state(gone), history.state(kept)) == ("DELETED", "LIVE")


@pytest.mark.parametrize(("pushed", "stands", "state"), [(1, True, "LIVE"), (1, False, "DELETED"), (0, False, "LIVE")])
def test_recover_pushed_model_follows_its_version(history: History, pushed: int, stands: bool, state: str) -> None:
    version = history.serving / "1"
    custom_properties = {"pushed": pushed, "pushed_destination": str(version)} if pushed else {"pushed": 0}
    (model,) = history.run().node("Pusher", {"pushed_model": "PushedModel"}, custom_properties=custom_properties)
    if stands:
        version.mkdir(parents=True)
    _recover(history)
    assert history.state(model) == state
    assert Path(history.artifact(model).uri).exists() == (state == "LIVE")


def test_recover_killed_while_deleting_finished(history: History) -> None:
    history.run().node("Gen", {"examples": "Examples"})
    half = history.root / TRASH / "0123"
    half.mkdir(parents=True)
    (half / "file").write_text("x")
    _recover(history)
    assert not (history.root / TRASH).exists()


def _two_runs(history: History) -> list[int]:
    """A run with a curated schema from elsewhere, which stays; and one that was killed."""
    made = history.run().node("Trainer", {"model": "Model", "model_run": "ModelRun"}, files={"data": "x"})
    (schema,) = history.run(outcome=None).node("Importer", {"schema": "Schema"})
    artifact = history.artifact(schema)
    artifact.uri = str(history.config.parent)
    history.store.put_artifacts([artifact])
    shutil.rmtree(history.root / "Importer")
    history.run(outcome=None).node("Gen", {"examples": "Examples"}, state="RUNNING", files={"half": "x"})
    return made


def test_recover_moved_home_refused_until_it_is_put_back(history: History) -> None:
    made = _two_runs(history)
    moved = history.home.with_name("moved")
    history.home.rename(moved)
    before = sorted(moved.rglob("*"))
    with pytest.raises(OutputError) as caught:
        recover(str(moved / "metadata.db"), NAME, moved / "artifacts")
    said = str(caught.value)
    assert said.startswith(f"{moved / 'artifacts'}: has none of the 2 artifact(s)")
    assert f"they were written to {history.root}. " in said
    assert "move it back, or start again with another output_dir" in said
    assert sorted(moved.rglob("*")) == before
    moved.rename(history.home)
    assert _recover(history) == (1, 1, 0)
    assert [history.state(artifact) for artifact in made] == ["LIVE", "LIVE"]


def test_recover_artifacts_of_another_store_refused(history: History) -> None:
    made = _two_runs(history)
    shutil.rmtree(history.root / "Trainer")
    (history.root / "Trainer" / "model" / "77").mkdir(parents=True)
    with pytest.raises(OutputError, match="belongs to another store"):
        _recover(history)
    assert [history.state(artifact) for artifact in made] == ["LIVE", "LIVE"]


def test_recover_artifacts_emptied_on_purpose_marked_deleted(history: History) -> None:
    made = _two_runs(history)
    shutil.rmtree(history.root / "Trainer")
    assert _recover(history) == (1, 1, 2)
    assert [history.state(artifact) for artifact in made] == ["DELETED", "DELETED"]


def test_recover_no_store_nothing_made(tmp_path: Path) -> None:
    assert recover(str(tmp_path / "metadata.db"), NAME, tmp_path / "artifacts") == (0, 0, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["../outside", ".", "link/inside", "../artifacts", "missing"])
def test_discard_what_is_not_below_the_root_stays(history: History, path: str) -> None:
    outside = history.home / "outside"
    (outside / "inside").mkdir(parents=True)
    (history.root / "link").symlink_to(outside)
    assert not discard(history.root, history.root / path)
    assert (outside / "inside").is_dir()
    assert (history.root / "link").is_symlink()


def test_discard_link_itself_removed_its_target_kept(history: History) -> None:
    outside = history.home / "outside"
    outside.mkdir()
    (history.root / "link").symlink_to(outside)
    assert discard(history.root, history.root / "link")
    assert outside.is_dir()
    assert list(history.root.iterdir()) == []


class _Refused(Exception):
    pass


@pytest.mark.parametrize("state", ["FAILED", "RUNNING"])
def test_recorded_error_kept_on_the_execution_and_bounded(history: History, state: str) -> None:
    history.run().node("Gen", {"examples": "Examples"})

    def fails() -> None:
        with recorded(history.metadata_path):
            run = history.run(outcome=None)
            run.node("Gen", {"examples": "Examples"})
            run.node("Gate", {"blessing": "DataBlessing"}, state=state)
            raise _Refused("x" * 10_000)

    with pytest.raises(_Refused):
        fails()
    first, second = read_runs(history.metadata_path, NAME)
    assert (first.state, second.state) == ("succeeded", "failed")
    assert [node.state for node in second.nodes] == ["complete", "failed"]
    error = second.nodes[1].error
    assert error is not None and error.startswith("_Refused: xxx") and len(error) == MAX_ERROR_CHARACTERS
    assert second.nodes[0].error is None


def test_recorded_success_and_a_run_of_nothing(history: History) -> None:
    with recorded(history.metadata_path):
        history.run(outcome=None).node("Gen")
    with recorded(history.metadata_path):
        pass
    assert [run.state for run in read_runs(history.metadata_path, NAME)] == ["succeeded"]


def test_recorded_interrupted_run_is_a_killed_one(history: History) -> None:
    def interrupted() -> None:
        with recorded(history.metadata_path):
            history.run(outcome=None).node("Gen", state="RUNNING")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [run.state for run in read_runs(history.metadata_path, NAME)] == ["killed"]


def test_recorded_store_gone_bad_the_runs_own_error_comes_through(history: History) -> None:
    def fails() -> None:
        with recorded(history.metadata_path):
            Path(history.metadata_path).write_text("no database")
            raise _Refused("the disk is full")

    with pytest.raises(_Refused, match="the disk is full"):
        fails()


def test_recover_run_without_executions_gets_an_outcome_too(history: History) -> None:
    history.run(outcome=None)
    _recover(history)
    (run,) = runs_of(open_store(history.metadata_path))
    assert run.custom_properties["outcome"].string_value == "killed"
