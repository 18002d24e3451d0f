"""The `perennial` command where it refuses; where it answers, `tests/test_local_runner.py` asks it."""

from pathlib import Path

import pytest

from pipeline.commands import cli


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


@pytest.mark.parametrize("k", ["0", "-3", "many", "1.5", "2147483648", "99999999999999999999"])
def test_similar_k_that_is_no_count_is_a_usage_error(k: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["similar", "Toy Story (1995)", "-k", k])
    assert f"argument -k: must be a whole number from 1 to 2147483647; received {k}" in capsys.readouterr().err


def test_similar_nothing_pushed_says_to_run_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "shop.yaml"
    config.write_text("name: shop\nlog: {path: log.csv}\noutput_dir: runs\n")
    (tmp_path / "runs" / "shop" / "serving" / "17").mkdir(parents=True)  # a version that was never finished
    assert cli.main(["similar", "sku-1", "--config", str(config)]) == 1
    assert "run the pipeline first" in capsys.readouterr().err
