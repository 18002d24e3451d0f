"""snapshot.json: what a snapshot's folder holds."""

from typing import ClassVar, Literal

from configs.leave_out import LeaveOut
from configs.service.index import Index
from documents.document import Document, Values

EMBEDDING_FILE = "embedding.npy"
"""float32 `[items, dim]`, of length 1; zero if nothing is known about the item. Missing if the model has none."""

POPULARITY_FILE = "popularity.npy"
"""float32 `[items]`: the model's scores for a user about whom nothing is known."""

BY_POPULARITY_FILE = "by_popularity.npy"
"""int32 `[items]`: places, most popular first, ties by place."""

UNEMBEDDED_FILE = "unembedded.npy"
"""int32: places of the items whose embedding is zero, ascending. Missing if the model has no embeddings."""

ITEMS_FILE = "items.arrow"
"""Arrow IPC file with one row for each item, in the catalogue's order; the columns of `documents.service_data`."""

TITLES_FILE = "titles.sqlite"
"""The index that finds titles."""

HISTORIES_FILE = "histories.sqlite"
"""Each user's newest interactions. A file of its own, so that a user can be taken out without writing the rest anew.
Missing if the version brings none."""

INDEX_FOLDER = "index"
"""The files of `service.index.lists`. Missing if every query is compared with all items."""

SAMPLES_FOLDER = "samples"
"""A file of `service.index.recall.Sample` for each kind of queries by which the index is measured when it is opened."""

FeatureKind = Literal["text", "category", "number"]


class IndexMade(Values):
    """What was decided about the index."""

    settings: Index
    """What it was made for."""

    least: int | None
    """How many items are compared with a query at least; None if there is no index."""

    reason: str
    """Why there is none; empty if there is one."""


class SnapshotDocument(Document):
    """What there is, and what it was made from."""

    FILE: ClassVar[str] = "snapshot.json"
    TO_DO: ClassVar[str] = "Delete the folder that holds it: the service then makes a new one."

    source: str
    """Digest of the version that it was made from; see `service.snapshot.source`."""

    items: int
    """Size of the catalogue."""

    dim: int | None
    """Numbers in an embedding; None if the model has no embeddings, so that only the model itself can score."""

    has_neighbours: bool = False
    """Whether there is a table of neighbours, see `service.snapshot.neighbours`: of a model without embeddings."""

    features: dict[str, FeatureKind]
    """Content feature to its kind."""

    is_timed: bool
    """Whether interactions have times."""

    users: int | None
    """Users with a history; None without histories."""

    leave_out: LeaveOut
    """What of a history is not recommended: the model's rule."""

    index: IndexMade | None = None
    """None if no index was asked for."""
