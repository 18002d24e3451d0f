"""Commands that run the pipeline export the service's events before it, if they are a part of the log."""

from pathlib import Path

import pytest
import yaml

from pipeline.commands import cli


@pytest.mark.parametrize("command", ["run", "compare", "tune", "refresh"])
def test_events_are_exported_before_anything_runs(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # No database answers at this port, so the command ends where it would export.
    config = {
        "name": "shop",
        "log": {
            "path": "log.csv",
            "events": True,
            "columns": {"value": "event", "timestamp": "time"},
            "event_weights": {"view": 1.0},
        },
        "service": {"auth": "off", "database": {"url": "postgresql+psycopg://localhost:1/shop"}},
        "output_dir": "runs",
    }
    file = tmp_path / "shop.yaml"
    file.write_text(yaml.safe_dump(config))
    assert cli.main([command, "--config", str(file)]) == 1
    assert "DatabaseUnavailableError" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
