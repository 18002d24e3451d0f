"""What stands between a blessed model and serving, and what is kept there."""

from pydantic import Field

from configs.base import Settings


class ServingCheck(Settings):
    """What a model must do in a fresh process before it is pushed."""


class Push(Settings):
    """The serving folder."""

    keep_versions: int = Field(default=5, ge=1)
    """Versions kept there, the newest; the live one is the newest of all and always stays. Default 5: enough to go back
    past a bad week of nightly runs."""
