"""The pipeline's schedule on Vertex: one, found by the pipeline's name, however often it is put there.

Runs do not overlap: `max_concurrent_run_count` alone bounds the starting of runs, not the runs, so the number of active
ones is bounded too. A time at which the last run still goes on is passed over, since the next run reads the newer data
anyway; so are the times while the schedule was paused.
"""

import itertools
import logging
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from google.cloud.aiplatform_v1 import types

from configs.errors import ConfigError, VertexError
from configs.pipeline import PipelineConfig
from configs.vertex import Schedule, moment
from pipeline.vertex.api.client import CONSOLE, Api
from pipeline.vertex.api.refusals import CAUGHT
from pipeline.vertex.api.request import as_message
from pipeline.vertex.api.retrying import may_have_taken_effect

ACTIVE, PAUSED, COMPLETED = "active", "paused", "completed"

_logger = logging.getLogger("perennial.vertex.api")

_UPDATED = ("cron", "max_concurrent_run_count", "max_concurrent_active_run_count", "create_pipeline_job_request")
"""What an update always replaces: when, and what runs. `allow_queueing` is false and cannot be set back to it."""

_NOT_OURS = ("allow_queueing", "max_run_count")
"""What `described` never sets: runs would queue up, or end after some."""


@dataclass(frozen=True)
class Put:
    """What came of putting a schedule there."""

    schedule: Any
    """The schedule, a Schedule of the client library."""

    made: bool
    """Whether it is a new one; else the one that was there was changed."""


def described(config: PipelineConfig, parent: str, job: dict[str, Any]) -> dict[str, Any]:
    """Describes the schedule.

    Args:
        config: The pipeline, with its `vertex.schedule`.
        parent: `projects/<project>/locations/<region>`.
        job: What it runs, from `request.pipeline_job`.

    Returns:
        A Schedule (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.schedules) as JSON
        values.

    Raises:
        ConfigError: The config has no schedule.
    """
    schedule = section(config)
    values: dict[str, Any] = {
        "displayName": config.name,
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


def section(config: PipelineConfig) -> Schedule:
    """The config's schedule.

    Raises:
        ConfigError: It has none.
    """
    if config.vertex is None or config.vertex.schedule is None:
        raise ConfigError(
            f"pipeline {config.name}: the config has no vertex.schedule. Add it with cron, such as '0 3 * * *', and "
            "time_zone."
        )
    return config.vertex.schedule


def upcoming(schedule: Schedule, now: datetime, count: int = 3) -> list[datetime]:
    """When the schedule runs next, computed here.

    Args:
        schedule: The config's.
        now: The moment after which, with a time zone.
        count: How many.

    Returns:
        Moments in the schedule's time zone; fewer if it ends before.

    Raises:
        ConfigError: The cron expression means no time.
    """
    zone = ZoneInfo(schedule.time_zone)
    start = max(now, moment(schedule.start_time)) if schedule.start_time is not None else now
    end = moment(schedule.end_time) if schedule.end_time is not None else None
    try:
        moments = list(itertools.islice(CronSim(schedule.cron, start.astimezone(zone)), count))
    except CronSimError as e:
        raise ConfigError(
            f"vertex.schedule.cron: {schedule.cron!r} is no cron expression: {e}. It has minute, hour, day of month, "
            "month and day of week, as in '0 3 * * *'."
        ) from e
    if not moments:
        raise ConfigError(f"vertex.schedule.cron: {schedule.cron!r} never comes.")
    return [one for one in moments if end is None or one < end]


def put_schedule(api: Api, values: dict[str, Any]) -> Put:
    """Makes the schedule, or changes the one of this name: when it runs, and what.

    Args:
        api: Google Cloud.
        values: From `described`.

    Returns:
        The schedule.

    Raises:
        VertexError: It has ended already, there are several of this name, one was made elsewhere with what cannot be
            taken away, or it was refused.
    """
    wanted, now = as_message(values, types.Schedule), datetime.now(timezone.utc)
    if wanted.end_time is not None and wanted.end_time <= now:
        raise VertexError(
            f"the schedule {wanted.display_name} would have ended at {wanted.end_time:%Y-%m-%d %H:%M} UTC. Give "
            "vertex.schedule.end_time a moment to come, or leave it out."
        )
    there = find_schedule(api, wanted.display_name)
    if there is None:
        return Put(_create(api, wanted), made=True)
    if there.end_time is not None and wanted.end_time is None:
        raise VertexError(
            f"the schedule {there.display_name} ends at {there.end_time:%Y-%m-%d %H:%M} UTC, and Vertex takes no end "
            f"away. Give vertex.schedule.end_time a later moment, or delete {there.name} "
            f"({schedules_link(api)}) and put it there again."
        )
    unwanted = [name for name in _NOT_OURS if getattr(there, name)]
    if unwanted:
        raise VertexError(
            f"the schedule {there.display_name} was made elsewhere with {' and '.join(unwanted)}, which cannot be "
            f"taken away. Delete {there.name} ({schedules_link(api)}) and put it there again."
        )
    wanted.name = there.name
    if wanted.start_time is None and there.start_time is not None and there.start_time > now:
        # A start that the config no longer has: Vertex takes none away, but one that has passed holds nothing up.
        wanted.start_time = now
    further = [name for name in ("start_time", "end_time") if getattr(wanted, name) is not None]
    changed = api.call(
        f"change the schedule {there.display_name}",
        lambda options: api.schedules.update_schedule(
            schedule=wanted, update_mask={"paths": [*_UPDATED, *further]}, **options
        ),
    )
    return Put(changed, made=False)


def find_schedule(api: Api, name: str) -> Any | None:
    """The schedule of a pipeline; None if there is none that still starts runs, or may again.

    Args:
        api: Google Cloud.
        name: The pipeline's name.

    Raises:
        VertexError: There are several, or it was refused.
    """
    return api.call(f"look for the schedule {name}", lambda options: _find(api, name, options))


def set_paused(api: Api, name: str, paused: bool) -> bool:
    """Pauses or resumes a pipeline's schedule. What a pause has left out is not run afterwards.

    Args:
        api: Google Cloud.
        name: The pipeline's name.
        paused: Whether it is to be paused.

    Returns:
        Whether it was not so before.

    Raises:
        VertexError: There is none, there are several, or it was refused.
    """
    asked = False

    def move(options: dict[str, Any]) -> bool:
        nonlocal asked
        schedule = _find(api, name, options)
        if schedule is None:
            raise VertexError(f"the pipeline {name} has no schedule. Make it with `perennial vertex schedule`.")
        if _state(schedule) == (PAUSED if paused else ACTIVE):
            return asked  # an earlier attempt of ours took effect, and its reply was lost
        asked = True
        if paused:
            api.schedules.pause_schedule(name=schedule.name, **options)
        else:
            api.schedules.resume_schedule(request={"name": schedule.name, "catch_up": False}, **options)
        return True

    return api.call(f"{'pause' if paused else 'resume'} the schedule {name}", move)


def is_paused(schedule: Any) -> bool:
    """Whether a schedule starts no runs until it is resumed."""
    return _state(schedule) == PAUSED


def next_run(schedule: Any, time_zone: str) -> datetime | None:
    """When Vertex starts the next run, as it says itself; None if it starts none.

    Args:
        schedule: A Schedule of the client library.
        time_zone: In which to say it.
    """
    if is_paused(schedule) or schedule.next_run_time is None:
        return None
    return datetime.fromtimestamp(schedule.next_run_time.timestamp(), ZoneInfo(time_zone))


def schedules_link(api: Api) -> str:
    """Where the console shows schedules."""
    return f"{CONSOLE}/pipelines/schedules?project={api.vertex.project}"


def _create(api: Api, wanted: Any) -> Any:
    attempts, in_doubt = 0, False

    def create(options: dict[str, Any]) -> Any:
        nonlocal attempts, in_doubt
        attempts += 1
        # Vertex gives a schedule its id, so that a second create would be a second schedule: if the reply to an
        # earlier attempt was lost, its schedule is there.
        made = _find(api, wanted.display_name, options) if attempts > 1 else None
        if made is not None:
            _logger.info("The schedule was made by an earlier attempt: %s", made.name)
            return made
        try:
            return api.schedules.create_schedule(parent=api.parent, schedule=wanted, **options)
        except CAUGHT as e:
            in_doubt = in_doubt or may_have_taken_effect(e)
            raise

    try:
        return api.call(f"make the schedule {wanted.display_name}", create)
    except VertexError as e:
        if not in_doubt:
            raise
        raise VertexError(
            f"{e} It may have been made all the same; `perennial vertex schedule` finds it then, and makes no second."
        ) from e


def _find(api: Api, name: str, options: dict[str, Any]) -> Any | None:
    request = {"parent": api.parent, "filter": f'display_name="{name}"'}
    found = [one for one in api.schedules.list_schedules(request=request, **options) if _state(one) != COMPLETED]
    if len(found) > 1:
        names = "".join(f"\n  {one.name} ({_state(one)}, {one.cron})" for one in found)
        raise VertexError(
            f"{len(found)} schedules have the name {name}, so that it is unclear which one is meant. Delete all but "
            f"one ({schedules_link(api)}):{names}"
        )
    return found[0] if found else None


def _state(schedule: Any) -> str:
    return str(schedule.state.name).lower()
