"""The `perennial` command where it refuses or explains; where it answers, `tests/test_local_runner.py` asks it."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from pipeline.commands import cli

HEAVY = ("apache_beam", "configs", "google", "ml_metadata", "pydantic", "requests", "tensorflow", "tfx", "yaml")
"""Packages that take from a tenth of a second to many seconds to import."""


def test_run_config_missing_one_line_and_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--config", str(tmp_path / "none.yaml")]) == 1
    assert capsys.readouterr().err.startswith("ConfigError: ")


def test_run_unknown_field_named_with_what_is_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "shop.yaml"
    config.write_text("name: shop\nlog: {path: log.csv}\nepochs: 3\n")
    assert cli.main(["run", "--config", str(config)]) == 1
    error = capsys.readouterr().err
    assert "epochs: no such field; allowed here:" in error
    assert "trainer" in error


def test_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"perennial {metadata.version('perennial')}\n"


def test_version_package_not_installed_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_installed(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", not_installed)
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == "perennial of unknown version: the package is not installed\n"


@pytest.mark.parametrize("group", ["", "runs", "versions", "datasets", "vertex", "vertex runs", "vertex schedules"])
def test_group_alone_prints_its_help_status_0(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(group.split()) == 0
    alone = capsys.readouterr()
    with pytest.raises(SystemExit, match="0"):
        cli.main([*group.split(), "--help"])
    assert (alone.out, alone.err) == (capsys.readouterr().out, "")
    assert alone.out.startswith(f"usage: perennial{' ' * bool(group)}{group} [-h]")


@pytest.mark.parametrize("argv", [["rollback"], ["run", "show", "1"], ["runs", "nonsense"], ["vertex", "schedule"]])
def test_command_that_is_none_is_a_usage_error_status_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(argv)
    assert "usage: perennial" in capsys.readouterr().err


@pytest.mark.e2e
def test_help_imports_nothing_heavy() -> None:
    code = f"""
import sys
from pipeline.commands import cli
try:
    cli.main(["vertex", "submit", "--help"])
except SystemExit:
    pass
print(*[name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Start a run on Vertex" in done.stdout
    # Python's path files of an installed package may make `google` a namespace at the start.
    assert set(done.stderr.split()) <= {"google"}
