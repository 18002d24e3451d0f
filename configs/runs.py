"""How local runs of one pipeline share a folder, and what is kept of them."""

from typing import Literal

from pydantic import Field

from configs.base import Settings


class Runs(Settings):
    """Local runs."""

    when_locked: Literal["wait", "refuse"] = "wait"
    """What a run does while another one of the same pipeline is at work. Default `wait`: a nightly run that meets a
    long one by hand still happens. `refuse` where whoever starts runs would rather be told."""

    keep: int = Field(default=10, ge=1)
    """Runs whose artifacts, logs and pages are kept, the newest; what is served, or last blessed, is kept besides.
    Default 10: more than a week of nightly runs, so that a change since last week can still be looked into."""
