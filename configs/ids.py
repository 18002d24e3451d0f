"""Defines how ids are read."""

from configs.base import Settings


class Ids(Settings):
    """How the ids of users and items are read, in the log and in the catalogue alike.

    An id is a text of which every character counts. But if one id is written in several ways, such as `7`, `7.0`, or
    `7` and a blank, the run stops and shows them. These settings join them instead.

    Example:
        ids: {trim: true, integral: true}
    """

    trim: bool = False
    """Whether blanks before and after an id are left out."""

    integral: bool = False
    """Whether a whole number that is written with a fraction loses it, so that `7.0` is `7`. Whole numbers in a Parquet
    column of floating-point numbers lose it in any case."""
