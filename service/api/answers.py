"""Describes the answers for the OpenAPI. Answers are not built from these classes; a test compares the two."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Titled(_Answer):
    """An item."""

    item_id: str
    title: str | None = None


class Reason(Titled):
    """Which of the query's items an item is nearest to."""

    cosine: float | None = None
    """Of the embeddings: 1 is the same direction."""

    weight: float | None = None
    """In place of the cosine, if the model has no embeddings: the larger, the nearer."""


class Listed(Titled):
    """An item of a list."""

    features: dict[str, list[Any]] | None = None
    """Content features of the catalogue."""

    score: float
    """The larger, the better; comparable within one answer."""

    because: Reason | None = None
    """Missing without items to compare with."""


class _OfVersion(_Answer):
    version: int
    """The version of the model that answered."""


class Ranked(_OfVersion):
    """An answer of `/v1/rank`."""

    basis: list[str]
    """What the answer rests on: `user` (the model knows the id), `history`, `events` (since that history), `items` (of
    the query); or `popularity` alone, when nothing is known."""

    unknown_items: list[str]
    """Ids of the query that the catalogue lacks."""

    items: list[Listed]
    """Best first."""


class Recommendations(Ranked):
    """An answer of `/v1/recommendations`."""

    recommendation_id: str
    """To be sent along with the events that follow from this answer."""

    passed: int | None = None
    """With `filter`: how many items of the catalogue pass it."""

    next: str | None
    """The `cursor` of the next page; null on the last one."""


class RecommendationsBatch(_Answer):
    """An answer of `/v1/recommendations` to several queries."""

    answers: list[Recommendations]
    """One for each query."""


class Explained(_Answer):
    """What a part of the query adds to a score."""

    user: bool | None = None
    """True for the user's id."""

    item: Titled | None = None
    """An item of the history."""

    adds: float
    """How much lower the score is without it; negative: how much higher."""


class Scored(Titled):
    """An item with its score."""

    score: float


class Why(_OfVersion):
    """An answer of `/v1/why`."""

    basis: list[str]
    """As of recommendations."""

    unknown_items: list[str]
    item: Scored
    rank: int | None
    """Its place among what may be recommended, from 1; null if it is left out."""

    left_out: bool
    """Whether the user has met it, or dislikes it."""

    reasons: list[Explained]
    """The strongest first."""


class Items(_OfVersion):
    """A list of items."""

    passed: int | None = None
    """With `filter`: how many items pass it."""

    items: list[Listed]
    has_more: bool
    """Whether a larger `offset` gives more."""


class Found(_Answer):
    """An item of a search."""

    item_id: str
    title: str | None = None
    features: dict[str, list[Any]] | None = None


class FoundItems(_OfVersion):
    """An answer of `/v1/items/search`."""

    items: list[Found]
    """Most popular first."""


class ItemFacts(Found):
    """All that is known of an item."""

    popularity: float
    """The model's score for a user about whom nothing is known."""

    count: int | None = None
    """Interactions that the model was trained on."""

    first_time: int | None = None
    """Unix seconds of the first interaction."""

    last_time: int | None = None
    """Unix seconds of the last interaction."""


class ItemAnswer(_OfVersion):
    """An answer of `/v1/items/{item_id}`."""

    item: ItemFacts


class Embedding(_OfVersion):
    """An answer of `/v1/items/{item_id}/embedding`."""

    item_id: str
    embedding: list[float]
    """Of length 1; zeros if the model knows nothing of the item."""


class Node(Found):
    """An item of a graph."""

    depth: int
    """Steps from the middle."""


class Edge(_Answer):
    """Two items that are near each other."""

    source: str
    target: str
    cosine: float | None = None
    """Of the embeddings."""

    weight: float | None = None
    """In place of the cosine, if the model has no embeddings."""


class GraphAnswer(_OfVersion):
    """An answer of `/v1/items/{item_id}/graph`."""

    nodes: list[Node]
    edges: list[Edge]


class EventsAnswer(_Answer):
    """An answer of `/v1/events`: all events are on the disk."""

    stored: int
    """New events."""

    duplicates: int
    """Events whose id was there before."""

    forgotten: int
    """Events of users who are forgotten; they are not stored."""

    unattributed: int
    """Stored events whose `recommendation_id` is not one of this service."""


class PositionCounts(_Answer):
    """What became of one position of a version's answers."""

    version: int
    position: int
    """From 0."""

    shown: int
    """Answers that had an item there."""

    answers: dict[str, int]
    """Type of event to the answers in which the item there got such an event."""


class Statistics(_Answer):
    """An answer of `/v1/events/statistics`."""

    positions: list[PositionCounts]


class Token(_Answer):
    """An answer of `/v1/login`."""

    access_token: str
    token_type: str
    """Always `Bearer`."""

    expires_in: int
    """Seconds."""

    scopes: list[str]


class RefusedVersion(_Answer):
    """A version that was not put into service."""

    version: int
    reason: str


class SearchState(_Answer):
    """How rankings are found."""

    kind: Literal["exact", "index"]
    recall: dict[str, float]
    """`items` and `users` to the share of the exact best hundred that the index finds for such queries. Empty in exact
    search."""

    compared: int
    """Items that a query is compared with, on average."""

    lists: int | None
    """Lists of the index."""

    reason: str
    """Why the search is exact."""


class ServedVersion(_Answer):
    """A version in service, and what it was made from."""

    version: int
    pushed_at: str | None
    items: int
    dim: int | None
    """Numbers of an embedding."""

    search: SearchState
    users_with_history: int | None
    leave_out: Any
    events_export: int | None
    """The newest export of events that it has learned from."""

    pipeline: str | None
    model_digest: str | None
    config_digest: str | None
    code_digest: str | None
    data_digest: str | None
    counts: dict[str, int]
    metrics: dict[str, dict[str, Any]]
    """Contender to metric to its value, with its 95 % interval."""

    rules: list[dict[str, Any]]
    """The gate's rules and their outcome."""


class ModelAnswer(_Answer):
    """An answer of `/v1/model`."""

    live: ServedVersion | None
    canary: ServedVersion | None
    canary_percent: float | None
    previous: int | None
    """The version before the live one, while its cursors are still answered."""

    loading: int | None
    refused: list[RefusedVersion]
