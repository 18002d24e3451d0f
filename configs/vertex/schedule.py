"""Defines when the pipeline runs by itself."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from configs.base import Settings
from configs.time_zone import TimeZone


def moment(text: str) -> datetime:
    """Reads a moment of the config.

    Args:
        text: RFC 3339.
    """
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _is_a_moment(text: str) -> str:
    try:
        moment(text)
    except ValueError as e:
        raise ValueError(f"is not a valid time: {e}") from e
    return text


Moment = Annotated[
    str,
    Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})$"),
    AfterValidator(_is_a_moment),
]
"""A time, RFC 3339, such as `2026-12-01T00:00:00Z`."""


class Schedule(Settings):
    """When the pipeline runs by itself.

    Example:
        vertex:
          schedule:
            cron: 0 3 * * *
            time_zone: Europe/Berlin
    """

    cron: str = Field(pattern=r"^[0-9A-Za-z*,/-]+( [0-9A-Za-z*,/-]+){4}$")
    """Minute, hour, day of month, month and day of week, as in `0 3 * * *`: numbers, names, and `*`, `,`, `-`, `/`."""

    time_zone: TimeZone = "Etc/UTC"
    """The time zone, a name of the IANA database such as `Europe/Berlin`."""

    start_time: Moment | None = None
    """Earliest time at which a run may start, RFC 3339 such as `2026-12-01T00:00:00Z`. None: at once."""

    end_time: Moment | None = None
    """Time after which no run starts, RFC 3339. None: never."""

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> "Schedule":
        start, end = self.start_time, self.end_time
        if start is not None and end is not None and moment(end) <= moment(start):
            raise ValueError(f"end_time must be after start_time, which is {start}")
        return self
