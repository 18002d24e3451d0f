"""Defines how local runs of one pipeline share a folder, and which of them are kept."""

from typing import Literal

from pydantic import Field

from configs.base import Settings


class Runs(Settings):
    """Local runs.

    Example:
        runs: {keep: 10, when_locked: wait}
    """

    when_locked: Literal["wait", "refuse"] = "wait"
    """What a run does while another run of the same pipeline is in progress. Default `wait`: a nightly run that meets a
    long manual one still happens. `refuse`: the run ends with an error at once."""

    keep: int = Field(default=10, ge=1)
    """Number of runs whose artifacts, logs and pages are kept, the newest ones. What is served, or was last blessed, is
    kept as well. Default 10: more than a week of nightly runs, so that a change since last week can still be
    examined."""
