"""Simulates ScheduleService: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.schedules."""

from datetime import datetime, timezone
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from cronsim import CronSim
from google.cloud.aiplatform_v1 import types
from google.protobuf import empty_pb2

from tests.vertex_api.pipelines import check_job
from tests.vertex_api.resources import Clock, check_parent, filtered, newest_first, page
from tests.vertex_api.rest import ApiError, Route

State: TypeAlias = types.Schedule.State

_SCHEDULES = "/v1/{parent=projects/*/locations/*}/schedules"
_SCHEDULE = "/v1/{name=projects/*/locations/*/schedules/*}"
_UPDATED = "/v1/{schedule.name=projects/*/locations/*/schedules/*}"


class Schedules:
    """Schedules. They never start a run."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.schedules: dict[str, types.Schedule] = {}
        """Schedules by resource name."""

        self._clock = clock or Clock()
        self._made = 0

    def routes(self) -> list[Route]:
        return [
            Route("CreateSchedule", "POST", _SCHEDULES, types.CreateScheduleRequest, self._create, "schedule"),
            Route("ListSchedules", "GET", _SCHEDULES, types.ListSchedulesRequest, self._list),
            Route("UpdateSchedule", "PATCH", _UPDATED, types.UpdateScheduleRequest, self._update, "schedule"),
            Route("PauseSchedule", "POST", f"{_SCHEDULE}:pause", types.PauseScheduleRequest, self._pause, "*"),
            Route("ResumeSchedule", "POST", f"{_SCHEDULE}:resume", types.ResumeScheduleRequest, self._resume, "*"),
        ]

    def _create(self, request: types.CreateScheduleRequest) -> types.Schedule:
        check_parent(request.parent)
        _check(request.schedule)
        self._made += 1
        schedule = types.Schedule()
        schedule._pb.CopyFrom(request.schedule._pb)
        schedule.name = f"{request.parent}/schedules/{self._made}"
        schedule.create_time = schedule.update_time = self._clock.now()
        _put_next_run(schedule)
        schedule.state = State.ACTIVE
        self.schedules[schedule.name] = schedule
        return schedule

    def _list(self, request: types.ListSchedulesRequest) -> types.ListSchedulesResponse:
        check_parent(request.parent)
        fields: dict[str, Any] = {"display_name": lambda s: s.display_name, "state": lambda s: s.state.name}
        found = newest_first(filtered(self.schedules.values(), request.filter, fields), request.order_by)
        schedules, token = page(found, request.page_size, request.page_token)
        return types.ListSchedulesResponse(schedules=schedules, next_page_token=token)

    def _update(self, request: types.UpdateScheduleRequest) -> types.Schedule:
        schedule = self._schedule(request.schedule.name)
        if not request.update_mask.paths:
            raise ApiError(400, "update_mask is required")
        updated = types.Schedule()
        updated._pb.CopyFrom(schedule._pb)
        for path in request.update_mask.paths:
            if path not in types.Schedule.pb().DESCRIPTOR.fields_by_name:
                raise ApiError(400, f"update_mask names {path!r}, which is no field of a Schedule")
            value = getattr(request.schedule, path)
            if not value and getattr(schedule, path):
                raise ApiError(400, f"{path} cannot be unset")
            setattr(updated, path, value)
        _check(updated)
        _put_next_run(updated)
        updated.update_time = self._clock.now()
        self.schedules[schedule.name] = updated
        return updated

    def _pause(self, request: types.PauseScheduleRequest) -> empty_pb2.Empty:
        self._move(request.name, State.ACTIVE, State.PAUSED)
        return empty_pb2.Empty()

    def _resume(self, request: types.ResumeScheduleRequest) -> empty_pb2.Empty:
        self._move(request.name, State.PAUSED, State.ACTIVE).catch_up = request.catch_up
        return empty_pb2.Empty()

    def _move(self, name: str, before: State, after: State) -> types.Schedule:
        schedule = self._schedule(name)
        if schedule.state != before:
            raise ApiError(400, f"Schedule {name} is {schedule.state.name}, not {before.name}")
        schedule.state = after
        return schedule

    def _schedule(self, name: str) -> types.Schedule:
        if name not in self.schedules:
            raise ApiError(404, f"The Schedule {name} does not exist")
        return self.schedules[name]


def _put_next_run(schedule: types.Schedule) -> None:
    """Sets the time of the next run: not before the start, and none after the end."""
    zone, _, cron = schedule.cron.removeprefix("CRON_").removeprefix("TZ=").partition(" ")
    now = datetime.now(timezone.utc)
    start = max(now, schedule.start_time) if schedule.start_time else now
    moment = next(CronSim(cron, start.astimezone(ZoneInfo(zone)))).astimezone(timezone.utc)
    ended = schedule.end_time and moment >= schedule.end_time
    schedule.next_run_time = None if ended else moment


def _check(schedule: types.Schedule) -> None:
    if not schedule.display_name:
        raise ApiError(400, "display_name is required")
    if schedule.max_concurrent_run_count < 1:
        raise ApiError(400, "max_concurrent_run_count is required")
    fields = schedule.cron.split()
    if len(fields) != 5 + schedule.cron.startswith(("TZ=", "CRON_TZ=")):
        raise ApiError(400, f"cron is not of five fields: {schedule.cron!r}")
    check_parent(schedule.create_pipeline_job_request.parent)
    if schedule.create_pipeline_job_request.pipeline_job_id:
        raise ApiError(400, "a schedule's pipeline_job_id must be empty: its runs need different ones")
    check_job(schedule.create_pipeline_job_request.pipeline_job)
