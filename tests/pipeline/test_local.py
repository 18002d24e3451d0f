"""A local run whose output folder cannot be written, through both of its entry points: told before anything runs.

What stands in the way is of the wrong kind, not of the wrong owner: the superuser may write everywhere.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

import local_runner
from configs.errors import DataError, OutputError
from configs.load import CONFIG_VARIABLE
from pipeline import cli, local


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
    assert said.err.endswith("Free or unlock it, or name another folder in output_dir.\n")
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
    ("error", "told"),
    [
        (OSError(28, "No space left on device"), True),
        (RuntimeError("variables.data; No space left on device [while running 'Write']"), True),
        (OSError(30, "Read-only file system"), True),
        (RuntimeError("out of memory"), False),
        (DataError("No space left on device is a film's title"), False),
    ],
)
def test_run_full_disk_told_in_one_line_other_errors_as_they_are(tmp_path: Path, error: Exception, told: bool) -> None:
    def fails() -> None:
        with local._full_disks_told(tmp_path):
            raise error

    with pytest.raises(Exception) as caught:
        fails()
    assert isinstance(caught.value, OutputError) == told
    assert (caught.value.__cause__ if told else caught.value) is error
