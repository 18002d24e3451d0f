"""Defines the type of a time zone's name."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator


def _is_known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise ValueError("must be a name of the IANA time zone database, such as Europe/Berlin or Etc/UTC") from e
    return name


TimeZone = Annotated[str, AfterValidator(_is_known)]
"""A name of the IANA time zone database, such as `Europe/Berlin`."""
