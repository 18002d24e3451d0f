"""Makes the request for one of the pipeline's schedules from the config, and computes the times of the next runs.

Runs do not overlap: `max_concurrent_run_count` bounds only the runs that are being started, so the request also bounds
the number of active runs. A time at which the last run is still in progress is skipped, since the next run reads the
newer data anyway.
"""

import itertools
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from common.errors import ConfigError
from configs.pipeline import PipelineConfig
from configs.vertex.schedule import Schedule, moment

Purpose = Literal["run", "compare", "tune"]
"""What a schedule starts. A pipeline has one schedule for each."""

PURPOSES: tuple[Purpose, ...] = ("run", "compare", "tune")


def display_name(pipeline_name: str, purpose: Purpose) -> str:
    """The name of a schedule. With a space in it, it is not the name of the schedule of another pipeline's runs."""
    return pipeline_name if purpose == "run" else f"{pipeline_name} {purpose}"


def described(config: PipelineConfig, purpose: Purpose, parent: str, job: dict[str, Any]) -> dict[str, Any]:
    """Describes the schedule.

    Args:
        config: The pipeline, with the schedule in its `vertex` section.
        purpose: What the schedule starts.
        parent: `projects/<project>/locations/<region>`.
        job: The run that it starts, as `request.pipeline_job` describes it.

    Returns:
        A Schedule (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.schedules) as JSON
        values.

    Raises:
        ConfigError: The config has no schedule.
    """
    schedule = section(config, purpose)
    values: dict[str, Any] = {
        "displayName": display_name(config.name, purpose),
        "cron": f"TZ={schedule.time_zone} {schedule.cron}",
        "maxConcurrentRunCount": "1",
        "maxConcurrentActiveRunCount": "1",
        "allowQueueing": False,
        "createPipelineJobRequest": {"parent": parent, "pipelineJob": job},
    }
    if schedule.start_time is not None:
        values["startTime"] = schedule.start_time
    if schedule.end_time is not None:
        values["endTime"] = schedule.end_time
    return values


def section(config: PipelineConfig, purpose: Purpose) -> Schedule:
    """Returns the config's schedule.

    Args:
        config: The pipeline.
        purpose: What the schedule starts.

    Raises:
        ConfigError: The config has none.
    """
    found: Schedule | None = getattr(config.vertex, field_of(purpose), None)
    if found is None:
        raise ConfigError(
            f"pipeline {config.name}: the config has no vertex.{field_of(purpose)}. Add it with cron, such as "
            "'0 3 * * *', and time_zone."
        )
    return found


def field_of(purpose: Purpose) -> str:
    """The field of the config's `vertex` section that says when."""
    return "schedule" if purpose == "run" else f"{purpose}_schedule"


def upcoming(schedule: Schedule, now: datetime, purpose: Purpose = "run", count: int = 3) -> list[datetime]:
    """Computes the times of the schedule's next runs, without asking Vertex.

    Args:
        schedule: The config's schedule.
        now: Only times after this one are returned; with a time zone.
        purpose: What it starts, for messages.
        count: How many times to return.

    Returns:
        Times in the schedule's time zone; fewer if the schedule ends before.

    Raises:
        ConfigError: The cron expression is not valid, or matches no time.
    """
    zone = ZoneInfo(schedule.time_zone)
    start = max(now, moment(schedule.start_time)) if schedule.start_time is not None else now
    end = moment(schedule.end_time) if schedule.end_time is not None else None
    try:
        moments = list(itertools.islice(CronSim(schedule.cron, start.astimezone(zone)), count))
    except CronSimError as e:
        raise ConfigError(
            f"vertex.{field_of(purpose)}.cron: {schedule.cron!r} is not a cron expression: {e}. It has minute, "
            "hour, day of month, month and day of week, as in '0 3 * * *'."
        ) from e
    if not moments:
        raise ConfigError(f"vertex.{field_of(purpose)}.cron: {schedule.cron!r} matches no time.")
    return [one for one in moments if end is None or one < end]
