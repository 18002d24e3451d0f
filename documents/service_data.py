"""assets.extra/service/ in a pushed version: what a service needs and a SavedModel lacks.

Besides this document, the folder holds two Parquet files. `ITEMS_FILE` has one row for each item: `item_id` (string),
`title` (string), `count` (int64, its training interactions), `first_time` and `last_time` (int64, Unix seconds of the
first and the last interaction with it; null without times or interactions), and a list column for each content feature:
of strings (`text`, `category`) or floats (`number`), under `feature_column(name)`. `HISTORIES_FILE` has one row for
each user: `user_id` (string), and the newest interactions, oldest first, as the lists `item_id` (string), `weight`
(float) and, if the log has times, `time` (int64, Unix seconds).

The items are those of the model's catalogue, in its order. A weight is what the model learned with: the event's, or 1
where the log has no event weights. Histories hold what was held out for evaluation, too.

It is no part of the model's digest. In a version it never changes, except that a user can be taken out of the
histories. The same model with other items or histories becomes a new version.
"""

from typing import ClassVar, Literal

from documents.document import Document, Values
from documents.evaluation import Decision, Measurement

FOLDER = "assets.extra/service"
"""The folder, relative to the version's."""

ITEMS_FILE = f"{FOLDER}/items.parquet"
HISTORIES_FILE = f"{FOLDER}/histories.parquet"

FILES = (ITEMS_FILE, HISTORIES_FILE)

USER_ID, ITEM_ID, TITLE, COUNT = "user_id", "item_id", "title", "count"
FIRST_TIME, LAST_TIME, WEIGHT, TIME = "first_time", "last_time", "weight", "time"
"""Columns of the two files."""


Kind = Literal["text", "category", "number"]
"""The kinds of content features."""


def is_service_data(path: str) -> bool:
    """Whether a path, relative to a version's folder, is of this folder."""
    return path.startswith(f"{FOLDER}/")


def feature_column(name: str) -> str:
    """The column of `ITEMS_FILE` that holds a content feature."""
    return f"feature:{name}"


class Histories(Values):
    """What `HISTORIES_FILE` holds."""

    users: int
    max_items: int
    """The config's `service.max_history`."""


class ServiceData(Document):
    """What the two files hold, and what the gate measured."""

    FILE: ClassVar[str] = f"{FOLDER}/service.json"
    TO_DO: ClassVar[str] = "It is part of the version: run again, or roll back to another version."

    items: int
    """Rows of `ITEMS_FILE`."""

    features: dict[str, Kind]
    """Content feature to its kind."""

    is_timed: bool
    """Whether the log has times."""

    histories: Histories | None
    """None if the config has switched histories off: then there is no `HISTORIES_FILE`."""

    events_export: int | None = None
    """Number up to which the log held every export of the service's events; None if it held not even the first one."""

    metrics: dict[str, dict[str, Measurement]]
    """Contender, such as `documents.evaluation.MODEL`, to metric, such as `ndcg@10`, to its value over all users."""

    decision: Decision
    """The gate's decision, by which this model was pushed."""
