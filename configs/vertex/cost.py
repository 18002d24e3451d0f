"""Defines how much a run may cost, and the prices of its parts."""

from typing import Annotated

from pydantic import Field

from configs.base import Settings

Price = Annotated[float, Field(ge=0)]


class Prices(Settings):
    """The prices in your contract; the published lists change and differ by region.

    Example:
        vertex:
          cost:
            prices: {currency: EUR, cpu_hour: 0.03, gb_hour: 0.004, accelerator_hour: {NVIDIA_L4: 0.6}}
            ceiling: 5
    """

    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    """The currency of all prices, a code of ISO 4217."""

    cpu_hour: float = Field(ge=0)
    """Price of one virtual CPU for an hour."""

    gb_hour: float = Field(ge=0)
    """Price of one GB of memory for an hour."""

    accelerator_hour: dict[str, Price] = {}
    """Price of one GPU for an hour, by the type's name."""

    machine_hour: dict[str, Price] = {}
    """Price of one machine for an hour, by its type's name: for a CustomJob and for Dataflow's workers."""

    run: float = Field(default=0.0, ge=0)
    """Price of one pipeline run, whatever it does."""


class Cost(Settings):
    """What a run may cost."""

    prices: Prices
    """The prices of what a run uses."""

    ceiling: float | None = Field(default=None, gt=0)
    """Largest estimated cost, in the currency of the prices; a run above it is not submitted. `retries` are not
    counted. None: no limit."""
