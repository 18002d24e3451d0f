r"""Defines what a filter is: conditions on the catalogue's features, joined by and, or, not.

`service.ranking.filter_text` reads it from a URL, and `service.ranking.filter_json` from JSON. `service.ranking.masks`
says which items pass.

| in a URL | in JSON | passes |
|---|---|---|
| `genres:drama` | `{"feature": "genres", "any": ["drama"]}` | items with the category |
| `genres:any(drama,comedy)` | `{"feature": "genres", "any": ["drama", "comedy"]}` | items with one of them or more |
| `genres:all(drama,comedy)` | `{"feature": "genres", "all": ["drama", "comedy"]}` | items with each of them |
| `genres:none(horror)` | `{"feature": "genres", "none": ["horror"]}` | items with none of them |
| `brand:"Miller & Sons"` | `{"feature": "brand", "any": ["Miller & Sons"]}` | items whose text is exactly this |
| `year:1990..1999` | `{"feature": "year", "gte": 1990, "lte": 1999}` | numbers from 1990 to 1999, both included |
| `year:1990..` | `{"feature": "year", "gte": 1990}` | 1990 and more; also `year>=1990` |
| `price<20` | `{"feature": "price", "lt": 20}` | less than 20; there are `<`, `<=`, `>`, `>=` and `=` |
| `a:x and b:y` | `{"and": [..., ...]}` | items that pass both |
| `a:x or b:y` | `{"or": [..., ...]}` | items that pass one or both; `and` binds before `or` |
| `not (a:x or b:y)` | `{"not": ...}` | items that do not pass |

Comparison is exact: letter by letter, with case. An item with several values passes if one of them does. An item
without a value of the feature passes nothing but `none` and `not`.

Names and values stand in double quotes if they hold spaces or one of `"():,<>=`, and so do categories that look like
`1..2`, and features called `and`, `or` or `not`. Within quotes `\"` is a quote and `\\` a backslash.
"""

import dataclasses
from typing import Literal

MAX_DEPTH = 10
"""Parentheses and `not` inside one another. Nobody reads more, and each costs the parsers a call."""

How = Literal["any", "all", "none"]

HOW: tuple[How, ...] = ("any", "all", "none")


@dataclasses.dataclass(frozen=True)
class Values:
    """An item has any, all or none of some values.

    Attributes:
        feature: The feature's name.
        how: Which of the values.
        values: The values as they were written; those of a feature of numbers are read as numbers later.
        at: Where the feature stands in the query, for messages.
    """

    feature: str
    how: How
    values: tuple[str, ...]
    at: str = dataclasses.field(compare=False, default="")


@dataclasses.dataclass(frozen=True)
class Range:
    """An item has a number within bounds.

    Attributes:
        feature: The feature's name.
        low: Lower bound; None for none.
        high: Upper bound; None for none.
        with_low: Whether the lower bound itself is within.
        with_high: Whether the upper bound itself is within.
        at: Where the feature stands in the query, for messages.
    """

    feature: str
    low: float | None
    high: float | None
    with_low: bool = True
    with_high: bool = True
    at: str = dataclasses.field(compare=False, default="")


@dataclasses.dataclass(frozen=True)
class And:
    """An item passes all parts."""

    parts: tuple["Filter", ...]


@dataclasses.dataclass(frozen=True)
class Or:
    """An item passes one part or more."""

    parts: tuple["Filter", ...]


@dataclasses.dataclass(frozen=True)
class Not:
    """An item does not pass the part."""

    part: "Filter"


Filter = Values | Range | And | Or | Not
