"""`perennial vertex schedules list`: the pipeline's schedules, from the loopback server."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipeline.commands import cli
from tests.pipeline.runners.vertex.conftest import WriteConfig
from tests.vertex_api import Refuse
from tests.vertex_api.cloud import Cloud
from tests.vertex_api.resources import PARENT
from tests.vertex_api.schedules import State

DAILY = {"cron": "0 3 * * *", "time_zone": "Europe/Berlin", "end_time": "2099-01-01T00:00:00Z"}


@pytest.fixture
def config(cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The config of a pipeline with an ended and an active schedule, beside one of another pipeline."""
    config = str(write_config(schedule=DAILY))
    for moment in range(2):
        assert cli.main(["vertex", "schedules", "put", "--config", config, "--job", str(job_file)]) == 0
        (made,) = (one for one in cloud.schedules.schedules.values() if one.state == State.ACTIVE)
        made.create_time = datetime(2026, 11, 1, tzinfo=timezone.utc) + timedelta(days=moment)
        if moment == 0:
            made.state = State.COMPLETED
    other = type(made)(made)
    other.name, other.display_name = f"{PARENT}/schedules/9", "books"
    cloud.schedules.schedules[other.name] = other
    capsys.readouterr()
    return config


def test_list_json_holds_this_pipelines_newest_first(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["vertex", "schedules", "list", "--config", config, "--json"]) == 0
    active, ended = json.loads(capsys.readouterr().out)
    assert [active["name"], ended["name"]] == [f"{PARENT}/schedules/2", f"{PARENT}/schedules/1"]
    assert [active["state"], ended["state"]] == ["active", "completed"]
    assert active["cron"] == "TZ=Europe/Berlin 0 3 * * *"
    assert active["created"] == "2026-11-02T00:00:00+00:00"
    assert active["ends"] == "2099-01-01T00:00:00+00:00"
    assert datetime.fromisoformat(active["next_run"]) > datetime.now(timezone.utc)
    assert ended["next_run"] is None


def test_list_table_shows_state_and_that_a_paused_one_has_no_next_run(
    config: str, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["vertex", "schedules", "pause", "--config", config]) == 0
    capsys.readouterr()
    assert cli.main(["vertex", "schedules", "list", "--config", config]) == 0
    rows = [line.split("│")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["2", "run", "paused", "TZ=Europe/Berlin 0 3 * * *", "", "2099-01-01 00:00 UTC", "2026-11-02 00:00 UTC"],
        ["1", "run", "completed", "TZ=Europe/Berlin 0 3 * * *", "", "2099-01-01 00:00 UTC", "2026-11-01 00:00 UTC"],
    ]


def test_list_refused_one_line_and_status_1(config: str, cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.api.fail("ListSchedules", Refuse(403), forever=True)
    assert cli.main(["vertex", "schedules", "list", "--config", config]) == 1
    assert capsys.readouterr().err.startswith("VertexError: cannot list the schedules of movielens-100k: 403")


def test_list_none_says_how_to_create_one(
    cloud: Cloud, write_config: WriteConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["vertex", "schedules", "list", "--config", str(write_config())]) == 0
    message = "The pipeline movielens-100k has no schedule. `perennial vertex schedules put` creates it.\n"
    assert capsys.readouterr().out == message
