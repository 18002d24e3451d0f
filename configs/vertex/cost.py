"""What a run may cost, and what its parts do."""

from typing import Annotated

from pydantic import Field

from configs.base import Settings

Price = Annotated[float, Field(ge=0)]


class Prices(Settings):
    """What your contract says a machine costs; the published lists change and differ by region."""

    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    """ISO 4217."""

    cpu_hour: float = Field(ge=0)
    """One virtual CPU for an hour."""

    gb_hour: float = Field(ge=0)
    """One GB of memory for an hour."""

    accelerator_hour: dict[str, Price] = {}
    """One GPU for an hour, by the type's name."""

    machine_hour: dict[str, Price] = {}
    """One machine for an hour, by its type's name: for a CustomJob and for Dataflow's workers."""

    run: float = Field(default=0.0, ge=0)
    """One pipeline run, whatever it does."""


class Cost(Settings):
    """What a run may cost."""

    prices: Prices
    """Of what it uses."""

    ceiling: float | None = Field(default=None, gt=0)
    """A run that is estimated to cost more is not submitted; `retries` are not counted. None: no limit."""
