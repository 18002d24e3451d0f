"""Creates, updates, pauses and resumes the pipeline's schedules on Vertex.

A pipeline has one schedule for each purpose, known by its name: a second `put` updates it. Runs that would have started
during a pause are not started afterwards.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

from google.cloud.aiplatform_v1 import types

from common.errors import VertexError
from pipeline.cloud.client import CONSOLE, Api, state_name
from pipeline.cloud.refusals import CAUGHT
from pipeline.cloud.retrying import may_have_taken_effect
from pipeline.runners.vertex.request import as_message

ACTIVE, PAUSED, COMPLETED = "active", "paused", "completed"

_logger = logging.getLogger("perennial.vertex.api")

_UPDATED = ("cron", "max_concurrent_run_count", "max_concurrent_active_run_count", "create_pipeline_job_request")
"""Fields that every update replaces: when it runs, and what. `allow_queueing` is false and cannot be reset to it."""

_NOT_OURS = ("allow_queueing", "max_run_count")
"""Fields that `schedule_request.described` never sets: with them, runs would queue up, or end after some number."""


@dataclass(frozen=True)
class Put:
    """The result of `put_schedule`."""

    schedule: Any
    """The schedule, a Schedule of the client library."""

    made: bool
    """Whether it was created; False if an existing schedule was updated."""


def put_schedule(api: Api, values: dict[str, Any]) -> Put:
    """Creates the schedule, or updates the one of this name: when it runs, and what.

    Args:
        api: Google Cloud.
        values: The schedule, as `schedule_request.described` returns it.

    Returns:
        The schedule, and whether it is new.

    Raises:
        VertexError: The schedule's end is in the past, there are several of this name, an existing one has a field that
            an update cannot remove, or the call was refused.
    """
    wanted, now = as_message(values, types.Schedule), datetime.now(timezone.utc)
    if wanted.end_time is not None and wanted.end_time <= now:
        raise VertexError(
            f"the schedule {wanted.display_name} has its end in the past, {wanted.end_time:%Y-%m-%d %H:%M} UTC. Set "
            "its end_time in the vertex section to a later time, or leave it out."
        )
    existing = find_schedule(api, wanted.display_name)
    if existing is None:
        return Put(_create(api, wanted), made=True)
    _check_changeable(api, existing, wanted)
    wanted.name = existing.name
    if wanted.start_time is None and existing.start_time is not None and existing.start_time > now:
        # The config no longer has a start time. Vertex cannot remove it, but a start in the past delays nothing.
        wanted.start_time = now
    optional = [name for name in ("start_time", "end_time") if getattr(wanted, name) is not None]
    changed = api.call(
        f"update the schedule {existing.display_name}",
        lambda options: api.schedules.update_schedule(
            schedule=wanted, update_mask={"paths": [*_UPDATED, *optional]}, **options
        ),
    )
    return Put(changed, made=False)


def find_schedule(api: Api, name: str) -> Any | None:
    """Finds the schedule of a name that is active or paused; None if there is none.

    Args:
        api: Google Cloud.
        name: Its name, see `schedule_request.display_name`.

    Raises:
        VertexError: There are several, or the call was refused.
    """
    return api.call(f"look for the schedule {name}", lambda options: _find(api, name, options))


def set_paused(api: Api, name: str, paused: bool) -> bool:
    """Pauses or resumes a schedule. Runs missed during a pause are not started afterwards.

    Args:
        api: Google Cloud.
        name: Its name, see `schedule_request.display_name`.
        paused: True pauses it, False resumes it.

    Returns:
        Whether this changed the schedule's state.

    Raises:
        VertexError: There is no schedule, there are several, or the call was refused.
    """
    asked = False

    def move(options: dict[str, Any]) -> bool:
        nonlocal asked
        schedule = _find(api, name, options)
        if schedule is None:
            raise VertexError(f"there is no schedule {name}. Create it with `perennial vertex schedules put`.")
        if _state(schedule) == (PAUSED if paused else ACTIVE):
            return asked  # True if an earlier attempt changed the state but its reply was lost
        asked = True
        if paused:
            api.schedules.pause_schedule(name=schedule.name, **options)
        else:
            api.schedules.resume_schedule(request={"name": schedule.name, "catch_up": False}, **options)
        return True

    return api.call(f"{'pause' if paused else 'resume'} the schedule {name}", move)


def is_paused(schedule: Any) -> bool:
    """Tells whether a schedule is paused: it starts no runs until it is resumed."""
    return _state(schedule) == PAUSED


def next_run(schedule: Any, time_zone: str) -> datetime | None:
    """Returns the time at which Vertex says it starts the next run; None if it starts none.

    Args:
        schedule: A Schedule of the client library.
        time_zone: The time zone of the result.
    """
    if is_paused(schedule) or schedule.next_run_time is None:
        return None
    return datetime.fromtimestamp(schedule.next_run_time.timestamp(), ZoneInfo(time_zone))


def schedules_link(api: Api) -> str:
    """Returns the address of the schedules in the console."""
    return f"{CONSOLE}/pipelines/schedules?project={api.vertex.project}"


def _create(api: Api, wanted: Any) -> Any:
    attempts, in_doubt = 0, False

    def create(options: dict[str, Any]) -> Any:
        nonlocal attempts, in_doubt
        attempts += 1
        # Vertex chooses a schedule's id, so a second call would create a second schedule. If the reply to an earlier
        # attempt was lost, its schedule may exist already.
        created = _find(api, wanted.display_name, options) if attempts > 1 else None
        if created is not None:
            _logger.info("The schedule was created by an earlier attempt: %s", created.name)
            return created
        try:
            return api.schedules.create_schedule(parent=api.parent, schedule=wanted, **options)
        except CAUGHT as e:
            in_doubt = in_doubt or may_have_taken_effect(e)
            raise

    try:
        return api.call(f"create the schedule {wanted.display_name}", create)
    except VertexError as e:
        if not in_doubt:
            raise
        raise VertexError(
            f"{e} It may have been created nevertheless. Then `perennial vertex schedules put` finds it and creates "
            "no second one."
        ) from e


def _check_changeable(api: Api, existing: Any, wanted: Any) -> None:
    """Refuses changes that no update can make: some fields can be set on Vertex but never removed."""
    if existing.end_time is not None and wanted.end_time is None:
        raise VertexError(
            f"the schedule {existing.display_name} ends at {existing.end_time:%Y-%m-%d %H:%M} UTC, and Vertex cannot "
            f"remove an end time. Set end_time in the vertex section to a later time, or delete {existing.name} "
            f"({schedules_link(api)}) and create the schedule again."
        )
    unwanted = [name for name in _NOT_OURS if getattr(existing, name)]
    if unwanted:
        raise VertexError(
            f"the schedule {existing.display_name} was created elsewhere with {' and '.join(unwanted)}, which cannot "
            f"be removed. Delete {existing.name} ({schedules_link(api)}) and create the schedule again."
        )


def _find(api: Api, name: str, options: dict[str, Any]) -> Any | None:
    request = {"parent": api.parent, "filter": f'display_name="{name}"'}
    found = [one for one in api.schedules.list_schedules(request=request, **options) if _state(one) != COMPLETED]
    if len(found) > 1:
        names = "".join(f"\n  {one.name} ({_state(one)}, {one.cron})" for one in found)
        raise VertexError(
            f"{len(found)} schedules have the name {name}, so it is unclear which one to use. Delete all except one "
            f"({schedules_link(api)}):{names}"
        )
    return found[0] if found else None


def _state(schedule: Any) -> str:
    return state_name(schedule.state).lower()
