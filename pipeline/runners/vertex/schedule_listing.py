"""Lists the schedules of a pipeline on Vertex."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.cloud.client import Api, state_name
from pipeline.runners.vertex.schedule_request import PURPOSES, Purpose, display_name


@dataclass(frozen=True)
class ListedSchedule:
    """One schedule."""

    name: str
    """Resource name."""

    starts: Purpose
    """What it starts."""

    state: str
    """In small letters: `active`, `paused` or `completed`."""

    cron: str
    """When it starts runs: a time zone and a cron expression, such as `TZ=Europe/Berlin 0 3 * * *`."""

    created: datetime | None

    next_run: datetime | None
    """None: it is paused or completed, so it starts no run."""

    ends: datetime | None
    """None: it has no end."""


def read_schedules(api: Api, pipeline_name: str) -> list[ListedSchedule]:
    """Lists the schedules of a pipeline, also those that have ended.

    Args:
        api: Google Cloud.
        pipeline_name: The pipeline's name.

    Returns:
        The schedules of runs, of comparisons, and of searches; of each, the newest first.

    Raises:
        VertexError: Google Cloud refused, or could not be reached.
    """
    return [found for purpose in PURPOSES for found in _of_purpose(api, pipeline_name, purpose)]


def _of_purpose(api: Api, pipeline_name: str, purpose: Purpose) -> list[ListedSchedule]:
    name = display_name(pipeline_name, purpose)
    request = {"parent": api.parent, "filter": f'display_name="{name}"', "order_by": "create_time desc"}
    found = api.call(
        f"list the schedules of {pipeline_name}",
        lambda options: list(api.schedules.list_schedules(request=request, **options)),
    )
    return [_listed(schedule, purpose) for schedule in found]


def _listed(schedule: Any, purpose: Purpose) -> ListedSchedule:
    state = state_name(schedule.state).lower()
    return ListedSchedule(
        name=schedule.name,
        starts=purpose,
        state=state,
        cron=schedule.cron,
        created=schedule.create_time,
        # Vertex also gives a next time for a paused schedule, but starts no run then.
        next_run=schedule.next_run_time if state == "active" else None,
        ends=schedule.end_time,
    )
