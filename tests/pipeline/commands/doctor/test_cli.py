"""`perennial doctor` on this machine: its table, its JSON, its exit status."""

import json
import sys
from pathlib import Path

import pytest

from pipeline.commands import cli
from tests import forked

CHECKS = [
    "Python",
    "C library",
    "versions",
    "kfp",
    "imports",
    "Keras",
    "protobuf",
    "pip",
    "credentials",
    "data",
    "memory",
    "disk",
    "temporary files",
]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small shop, whose log is here."""
    monkeypatch.setattr(sys, "executable", forked.python())  # for the process that imports the libraries
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # or a metadata server is looked for on the network
    (tmp_path / "log.csv").write_text("user_id,item_id\nann,sku-1\n")
    config = tmp_path / "shop.yaml"
    config.write_text("name: shop\nlog: {path: log.csv}\noutput_dir: runs\n")
    return config


@pytest.mark.e2e
def test_doctor_json_looks_at_everything_status_0(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["doctor", "--config", str(config), "--json"])
    out, err = capsys.readouterr()
    checks = json.loads(out)
    assert [check["name"] for check in checks] == CHECKS
    assert status == 0, err
    assert {check["status"] for check in checks} <= {"ok", "warning"}
    assert all(check["advice"] for check in checks if check["status"] != "ok")
    assert not (config.parent / "runs").exists()  # it looks, and leaves nothing


@pytest.mark.e2e
def test_doctor_data_missing_is_in_the_table_status_1(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / "log.csv").unlink()
    assert cli.main(["doctor", "--config", str(config)]) == 1
    out, err = capsys.readouterr()
    (line,) = [line for line in out.splitlines() if line.split()[:1] == ["data"]]
    assert line.split()[1] == "error"
    assert err.splitlines()[-1].endswith(": the pipeline shop cannot run here: data.")


def test_doctor_config_that_is_none_is_reported_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--config", str(tmp_path / "none.yaml")]) == 1
    assert capsys.readouterr().err.startswith("ConfigError: ")
