"""The pipeline's schedule on Vertex: one, found by the pipeline's name, however often it is put there.

Times that pass while it is paused are left out.
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
"""What an update always replaces: when, and what runs. `allow_queueing` is false and cannot be set back to it."""

_NOT_OURS = ("allow_queueing", "max_run_count")
"""What `schedule_request.described` never sets: runs would queue up, or end after some."""


@dataclass(frozen=True)
class Put:
    """What came of putting a schedule there."""

    schedule: Any
    """The schedule, a Schedule of the client library."""

    made: bool
    """Whether it is a new one; else the one that was there was changed."""


def put_schedule(api: Api, values: dict[str, Any]) -> Put:
    """Makes the schedule, or changes the one of this name: when it runs, and what.

    Args:
        api: Google Cloud.
        values: From `schedule_request.described`.

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
    _check_changeable(api, there, wanted)
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
            raise VertexError(f"the pipeline {name} has no schedule. Make it with `perennial vertex schedules put`.")
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
            f"{e} It may have been made all the same. Then `perennial vertex schedules put` finds it, and makes no "
            "second one."
        ) from e


def _check_changeable(api: Api, there: Any, wanted: Any) -> None:
    """Refuses what no update can do: Vertex takes some fields, but never takes them away."""
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
    return state_name(schedule.state).lower()
