"""Defines how long the settings of the model are searched, and how often."""

from pydantic import Field

from configs.base import Settings


class Tuner(Settings):
    """The search for better settings of `trainer`. With this section, runs train with what the newest search found.

    `perennial tune` searches; see `every_days` for runs that search by themselves. Which settings are searched, and in
    which range, depends on the kind of the model: each field of `trainer` says it.

    Example:
        tuner: {max_seconds: 1800, max_trials: 60}
    """

    max_seconds: float = Field(default=600.0, gt=0)
    """Time limit of a search. A trial that would take longer ends after an epoch; one of a model without epochs is not
    begun. Reading the data does not count."""

    max_trials: int = Field(default=50, ge=2)
    """Largest number of trials. The first one has the settings of the config, the second one those that the last search
    found."""

    seed: int = Field(default=0, ge=0)
    """Seed of the search. The same seed, data, code and number of trials give the same result, unless the time ends it
    earlier."""

    every_days: float | None = Field(default=None, gt=0)
    """A run searches by itself if the newest search is older than this, or if `trainer` has changed since. None: only
    `perennial tune` searches."""
