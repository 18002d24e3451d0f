import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from common.errors import VertexError
from configs.load import load_config
from pipeline.cloud.client import Api
from pipeline.commands import cli
from pipeline.runners.vertex.schedule import put_schedule, set_paused
from tests.pipeline.runners.vertex.conftest import QUICK, WriteConfig, settings
from tests.vertex_api import Cut, Refuse
from tests.vertex_api.cloud import Cloud
from tests.vertex_api.resources import PARENT
from tests.vertex_api.schedules import State

DAILY = {"cron": "0 3 * * *", "time_zone": "Europe/Berlin"}


def schedule(config: Path, job: Path, *further: str) -> int:
    return cli.main(["vertex", "schedules", "put", "--config", str(config), "--job", str(job), *further])


def as_json(schedule: Any) -> dict[str, Any]:
    return json_format.MessageToDict(type(schedule).pb(schedule))


def test_schedule_config_is_made_as_it_says(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(
        schedule=DAILY | {"start_time": "2026-12-01T00:00:00Z", "end_time": "2027-12-01T00:00:00+01:00"}
    )

    assert schedule(config, job_file) == 0

    (made,) = map(as_json, cloud.schedules.schedules.values())
    run = made["createPipelineJobRequest"]
    assert made["displayName"] == "movielens-100k"
    assert made["cron"] == "TZ=Europe/Berlin 0 3 * * *"
    assert made["startTime"] == "2026-12-01T00:00:00Z"
    assert made["endTime"] == "2027-11-30T23:00:00Z"
    assert made["maxConcurrentRunCount"] == made["maxConcurrentActiveRunCount"] == "1"
    assert "allowQueueing" not in made and "catchUp" not in made
    assert run["parent"] == PARENT
    assert run["pipelineJob"]["serviceAccount"] == "perennial-pipeline@example-project.iam.gserviceaccount.com"
    assert run["pipelineJob"]["pipelineSpec"] == json.loads(job_file.read_text())["pipelineSpec"]
    assert "config_digest" in run["pipelineJob"]["labels"]
    assert "data_digest" not in run["pipelineJob"]["labels"]  # each run reads other data
    said = capsys.readouterr().out
    assert f"Created {PARENT}/schedules/1: TZ=Europe/Berlin 0 3 * * *" in said and "Next run: 2026-12-0" in said


def test_schedule_second_call_changes_time_and_job_and_never_doubles(
    cloud: Cloud,
    write_config: WriteConfig,
    job_file: Path,
    job_with_parameters: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    schedule(write_config(schedule=DAILY), job_file)

    later = write_config(schedule=DAILY | {"cron": "30 4 * * 1"})
    assert schedule(later, job_with_parameters, "--parameter", "epochs=3") == 0

    (changed,) = map(as_json, cloud.schedules.schedules.values())
    job = changed["createPipelineJobRequest"]["pipelineJob"]
    assert changed["name"] == f"{PARENT}/schedules/1"
    assert changed["cron"] == "TZ=Europe/Berlin 30 4 * * 1"
    assert set(job["pipelineSpec"]["root"]["dag"]["tasks"]) == {"say"}
    assert job["runtimeConfig"]["parameterValues"] == {"epochs": 3.0}
    assert f"Updated {PARENT}/schedules/1: TZ=Europe/Berlin 30 4 * * 1" in capsys.readouterr().out


def test_schedule_paused_stays_paused_and_says_so(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(schedule=DAILY)
    schedule(config, job_file)
    cli.main(["vertex", "schedules", "pause", "--config", str(config)])

    assert schedule(config, job_file) == 0

    (there,) = cloud.schedules.schedules.values()
    assert there.state == State.PAUSED
    assert "perennial vertex schedules resume" in capsys.readouterr().out


def test_schedule_several_of_the_name_are_reported_and_left(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(schedule=DAILY)
    schedule(config, job_file)
    (first,) = cloud.schedules.schedules.values()
    second = type(first)(first)
    second.name = f"{PARENT}/schedules/99"
    cloud.schedules.schedules[second.name] = second

    assert schedule(config, job_file) == 1

    said = capsys.readouterr().err
    assert first.name in said and second.name in said and "Delete all except one" in said
    assert cloud.api.received("UpdateSchedule") == []


def test_schedule_completed_one_is_no_longer_in_the_way(
    cloud: Cloud, write_config: WriteConfig, job_file: Path
) -> None:
    config = write_config(schedule=DAILY)
    schedule(config, job_file)
    (first,) = cloud.schedules.schedules.values()
    first.state = State.COMPLETED

    assert schedule(config, job_file) == 0

    assert [one.state for one in cloud.schedules.schedules.values()] == [State.COMPLETED, State.ACTIVE]


def test_schedule_in_a_state_newer_than_the_library_is_changed(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(schedule=DAILY)
    schedule(config, job_file)
    (there,) = cloud.schedules.schedules.values()
    there.state = 99

    assert schedule(config, job_file) == 0

    assert f"Updated {there.name}: " in capsys.readouterr().out


def test_schedule_end_that_config_no_longer_has_is_refused(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule(write_config(schedule=DAILY | {"end_time": "2099-01-01T00:00:00Z"}), job_file)

    assert schedule(write_config(schedule=DAILY), job_file) == 1

    assert "2099-01-01 00:00 UTC" in capsys.readouterr().err


def test_schedule_start_to_come_that_config_no_longer_has_is_now(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule(write_config(schedule=DAILY | {"start_time": "2099-01-01T00:00:00Z"}), job_file)
    assert "Next run: 2099-01-01 03:00 CET" in capsys.readouterr().out

    assert schedule(write_config(schedule=DAILY), job_file) == 0

    (there,) = cloud.schedules.schedules.values()
    assert there.start_time <= datetime.now(timezone.utc)
    assert "Next run: 2099" not in capsys.readouterr().out


def test_schedule_end_in_the_past_is_refused(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert schedule(write_config(schedule=DAILY | {"end_time": "2020-01-01T00:00:00Z"}), job_file) == 1

    assert "has its end in the past, 2020-01-01" in capsys.readouterr().err
    assert cloud.schedules.schedules == {}


@pytest.mark.parametrize(("field", "value"), [("allow_queueing", True), ("max_run_count", 3)])
def test_schedule_made_elsewhere_with_what_we_never_set_is_refused(
    field: str,
    value: Any,
    cloud: Cloud,
    write_config: WriteConfig,
    job_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = write_config(schedule=DAILY)
    schedule(config, job_file)
    (there,) = cloud.schedules.schedules.values()
    setattr(there, field, value)

    assert schedule(config, job_file) == 1

    assert f"created elsewhere with {field}" in capsys.readouterr().err
    assert cloud.api.received("UpdateSchedule") == []


def test_schedule_create_without_answer_says_that_it_may_be_there(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.api.fail("CreateSchedule", Refuse(503), forever=True)

    assert schedule(write_config(schedule=DAILY), job_file) == 1

    assert "may have been created" in capsys.readouterr().err


def test_schedule_experiment_says_that_its_runs_are_not_listed(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert schedule(write_config(schedule=DAILY, experiment="recommenders"), job_file) == 0

    assert "The experiment recommenders does not list the schedule's runs" in capsys.readouterr().out


@pytest.mark.usefixtures("signed_out")
def test_schedule_dry_run_signed_out_prints_request_and_next_runs(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert schedule(write_config(schedule=DAILY), job_file, "--dry-run") == 0

    out, err = capsys.readouterr()
    assert cloud.api.requests == []
    assert json.loads(out)["cron"] == "TZ=Europe/Berlin 0 3 * * *"
    assert err.count("03:00 CE") == 3


def test_schedule_config_without_one_says_what_to_add(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert schedule(write_config(), job_file) == 1

    assert "has no vertex.schedule" in capsys.readouterr().err


def test_schedule_reply_to_create_cut_makes_one(cloud: Cloud, write_config: WriteConfig, job_file: Path) -> None:
    cloud.api.fail("CreateSchedule", Cut())

    assert schedule(write_config(schedule=DAILY), job_file) == 0

    assert len(cloud.schedules.schedules) == 1
    assert len(cloud.api.received("CreateSchedule")) == 1


def test_schedule_create_refused_for_a_while_is_tried_again(
    cloud: Cloud, write_config: WriteConfig, job_file: Path
) -> None:
    cloud.api.fail("CreateSchedule", Refuse(429), Cut(after_effect=False))

    assert schedule(write_config(schedule=DAILY), job_file) == 0

    assert len(cloud.schedules.schedules) == 1
    assert len(cloud.api.received("CreateSchedule")) == 3


@pytest.mark.parametrize("paused", [True, False])
def test_pause_and_resume_move_the_schedule_without_backfill(
    paused: bool, cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(write_config(schedule=DAILY))
    schedule(Path(config), job_file)
    (there,) = cloud.schedules.schedules.values()
    there.state = State.ACTIVE if paused else State.PAUSED
    command = "pause" if paused else "resume"

    assert cli.main(["vertex", "schedules", command, "--config", config]) == 0
    assert cli.main(["vertex", "schedules", command, "--config", config]) == 0

    assert there.state == (State.PAUSED if paused else State.ACTIVE)
    assert not there.catch_up
    assert "already" in capsys.readouterr().out.splitlines()[-1]
    assert len(cloud.api.received("PauseSchedule" if paused else "ResumeSchedule")) == 1


def test_pause_reply_lost_after_effect_is_paused_by_us(cloud: Cloud, write_config: WriteConfig, job_file: Path) -> None:
    config = write_config(schedule=DAILY)
    schedule(config, job_file)
    before = len(cloud.api.received("ListSchedules"))
    cloud.api.fail("PauseSchedule", Refuse(503, after_effect=True))

    assert set_paused(Api(settings(config)), "movielens-100k", paused=True)

    (there,) = cloud.schedules.schedules.values()
    assert there.state == State.PAUSED
    assert len(cloud.api.received("PauseSchedule")) == 1
    assert len(cloud.api.received("ListSchedules")) == before + 2


def test_pause_paused_one_seen_at_second_attempt_was_not_by_us(
    cloud: Cloud, write_config: WriteConfig, job_file: Path
) -> None:
    config = write_config(schedule=DAILY)
    schedule(config, job_file)
    (there,) = cloud.schedules.schedules.values()
    there.state = State.PAUSED
    cloud.api.fail("ListSchedules", Refuse(503))

    assert not set_paused(Api(settings(config)), "movielens-100k", paused=True)


def test_pause_without_schedule_says_how_to_make_one(
    cloud: Cloud, write_config: WriteConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["vertex", "schedules", "pause", "--config", str(write_config())]) == 1

    assert "perennial vertex schedules put" in capsys.readouterr().err


def test_put_schedule_server_always_busy_gives_up_with_nothing_made(cloud: Cloud, write_config: WriteConfig) -> None:
    cloud.api.fail("ListSchedules", Refuse(503), forever=True)
    vertex = load_config(write_config()).vertex
    assert vertex is not None

    with pytest.raises(VertexError, match="could not be reached"):
        put_schedule(Api(vertex, QUICK), {"displayName": "movielens-100k"})

    assert len(cloud.api.received("ListSchedules")) == QUICK.attempts
    assert cloud.schedules.schedules == {}


def test_schedules_of_runs_comparisons_and_searches_are_apart(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(
        schedule=DAILY | {"cron": "0 3 * * 1-6"},
        compare_schedule=DAILY | {"cron": "0 3 * * 0"},
        tune_schedule=DAILY | {"cron": "0 12 1 * *"},
    )
    assert schedule(config, job_file) == 0
    for option in ("--compare", "--tune"):
        assert cli.main(["vertex", "schedules", "put", "--config", str(config), option]) == 0

    made = [as_json(one) for one in cloud.schedules.schedules.values()]
    assert [(one["displayName"], one["cron"]) for one in made] == [
        ("movielens-100k", "TZ=Europe/Berlin 0 3 * * 1-6"),
        ("movielens-100k compare", "TZ=Europe/Berlin 0 3 * * 0"),
        ("movielens-100k tune", "TZ=Europe/Berlin 0 12 1 * *"),
    ]
    jobs = [one["createPipelineJobRequest"]["pipelineJob"] for one in made]
    tasks = [set(job["pipelineSpec"]["root"]["dag"]["tasks"]) for job in jobs]
    assert ["ModelComparison" in found for found in tasks] == [False, True, False]
    assert ["Tuner" in found for found in tasks] == [False, False, True]

    capsys.readouterr()
    assert cli.main(["vertex", "schedules", "pause", "--config", str(config), "--compare"]) == 0
    assert capsys.readouterr().out == "The schedule movielens-100k compare is paused.\n"
    states = [one.state for one in cloud.schedules.schedules.values()]
    assert states == [State.ACTIVE, State.PAUSED, State.ACTIVE]
    assert cli.main(["vertex", "schedules", "list", "--config", str(config), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(one["starts"], one["state"]) for one in listed] == [
        ("run", "active"),
        ("compare", "paused"),
        ("tune", "active"),
    ]


@pytest.mark.parametrize("purpose", ["compare", "tune"])
def test_schedule_of_another_purpose_needs_times_and_a_job_of_its_own(
    purpose: str, cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert schedule(write_config(schedule=DAILY), job_file, f"--{purpose}") == 1
    assert f"has no vertex.{purpose}_schedule" in capsys.readouterr().err

    assert schedule(write_config(**{f"{purpose}_schedule": DAILY}), job_file, f"--{purpose}") == 1
    assert f"was not compiled with --{purpose}. Compile it with" in capsys.readouterr().err
    assert cloud.schedules.schedules == {}
