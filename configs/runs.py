"""How local runs of one pipeline share a folder, and what is kept of them."""

from typing import Literal

from pydantic import Field

from configs.base import Settings


class Runs(Settings):
    """Local runs."""

    when_locked: Literal["wait", "refuse"] = "wait"
    """What a run does while another one of the same pipeline is at work."""

    keep: int = Field(default=10, ge=1)
    """Runs whose artifacts are kept, the newest; what is served, or last blessed, is kept besides."""
