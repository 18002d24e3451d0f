"""The command without pipelines: what it leaves, prints and returns when things go wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from common.errors import DriftError
from configs.pipeline import PipelineConfig
from documents.replay_rounds import ReplayRounds
from pipeline.commands import cli
from pipeline.runners import local

EVENTS = 9


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rows = [f"u{n},i{n},{n}" for n in range(EVENTS)]
    (tmp_path / "log.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]) + "\n")
    file = tmp_path / "shop.yaml"
    file.write_text("name: shop\nlog: {path: log.csv, columns: {timestamp: timestamp}}\noutput_dir: runs\n")
    return file


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the rounds' runs raise what is given, one after the other; None for a run that ends well."""

    def set_up(*errors: BaseException | None) -> None:
        coming = iter(errors)

        def run(_: PipelineConfig) -> None:
            error = next(coming)
            if error is not None:
                raise error

        monkeypatch.setattr(local, "run", run)

    return set_up


def _replay(config: Path, rounds: int = 3) -> int:
    return cli.main(["replay", "--config", str(config), "--rounds", str(rounds)])


def _home(config: Path) -> Path:
    return config.parent / "runs" / "replay" / "shop"


def _outcomes(config: Path) -> list[str]:
    return [one.outcome for one in ReplayRounds.read(_home(config)).rounds]


def test_replay_refusals_are_no_error(config: Path, runs: Callable[..., None]) -> None:
    runs(None, None, None)
    assert _replay(config) == 0
    assert _outcomes(config) == ["refused"] * 3


def test_replay_round_stopped_by_data_gate_others_come_and_status_1(
    config: Path, runs: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    runs(None, DriftError(f"half of the catalogue is gone; see {_home(config)}/artifacts/x"), None)
    with pytest.raises(SystemExit) as caught:
        _replay(config)
    assert caught.value.code == "An error stopped 1 of 3 rounds; the table shows the errors."  # hence status 1
    assert _outcomes(config) == ["refused", "stopped", "refused"]
    assert "half of the catalogue is gone; see artifacts/x" in (_home(config) / "replay.html").read_text()
    assert str(_home(config) / "replay.html") in capsys.readouterr().out


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), KeyboardInterrupt()])
def test_replay_unforeseen_error_rounds_so_far_are_shown_and_it_comes_through(
    config: Path, runs: Callable[..., None], capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    runs(None, error)
    with pytest.raises(type(error)):
        _replay(config)
    assert "0 of 1 rounds pushed a model" in (_home(config) / "replay.html").read_text()
    shown = capsys.readouterr().out
    assert "version or" in shown
    assert str(_home(config) / "replay.html") in shown


def test_replay_log_that_cannot_be_cut_costs_no_earlier_replay(
    config: Path, runs: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    runs(None, None, None)
    assert _replay(config) == 0
    before = {path: path.stat().st_mtime_ns for path in _home(config).rglob("*")}
    assert _replay(config, rounds=EVENTS + 1) == 1
    (config.parent / "log.csv").rename(config.parent / "elsewhere.csv")
    assert _replay(config) == 1
    assert capsys.readouterr().err.count("DataError: ") == 2
    assert {path: path.stat().st_mtime_ns for path in _home(config).rglob("*")} == before


def test_replay_again_replaces_the_earlier_one(config: Path, runs: Callable[..., None]) -> None:
    runs(*[None] * 5)
    assert _replay(config) == 0
    killed = _home(config).with_name(f".shop.{0:032x}.tmp")
    (killed / "waiting").mkdir(parents=True)
    assert _replay(config, rounds=2) == 0
    assert sorted(file.name for file in (_home(config) / "log").iterdir()) == [
        "round-001.parquet",
        "round-002.parquet",
    ]
    assert [path for path in _home(config).parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.fault
@pytest.mark.parametrize("place", ["runs", "runs/replay", "runs/replay/shop", "runs/replay/replays"])
def test_replay_output_cannot_be_written_one_line_and_status_1(
    config: Path, runs: Callable[..., None], capsys: pytest.CaptureFixture[str], place: str
) -> None:
    runs()
    (config.parent / place).parent.mkdir(parents=True, exist_ok=True)
    (config.parent / place).write_text("no folder")
    assert _replay(config) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"OutputError: {config.parent / 'runs' / 'replay'}/")
    assert ": cannot be written (" in said.err
    assert said.err.count("\n") == 1
    assert (config.parent / place).read_text() == "no folder"
