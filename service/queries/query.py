"""Defines the queries of the API: the same fields in a URL and in JSON.

In a URL, a list is separated by `,` or `|`, or its parameter is repeated; an id that holds a separator needs JSON.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def without_nul(text: str) -> str:
    """Refuses a NUL character, which PostgreSQL does not take, so that no user or event has it in an id."""
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return text


Id = Annotated[
    str, Field(min_length=1, max_length=512, json_schema_extra={"pattern": r"^[^\x00]*$"}), AfterValidator(without_nul)
]
"""An id of an item or a user. Ids are compared byte by byte."""


def _listed(value: Any) -> Any:
    """Splits the texts of a parameter; a JSON list stays as it is."""
    if isinstance(value, UrlTexts):
        return [part for text in value if text for part in text.replace("|", ",").split(",")]
    return value


class UrlTexts(list[str]):
    """The texts of one parameter of a URL, which may be repeated."""

    def single(self) -> str:
        """The only text of a parameter that is no list.

        Raises:
            ValueError: It was repeated.
        """
        if len(self) != 1:
            raise ValueError("is given more than once")
        return self[0]


def _single(value: Any) -> Any:
    return value.single() if isinstance(value, UrlTexts) else value


def number(value: Any) -> Any:
    """A number is text in a URL alone: in JSON, text and booleans that stand for numbers are somebody's mistake."""
    if isinstance(value, (str, bool)):
        raise ValueError("must be a number")
    return _single(value)


def _whole(value: Any) -> Any:
    """Keeps the texts of a repeated parameter whole: they hold commas of their own."""
    return list(value) if isinstance(value, UrlTexts) else value


CURSOR_CHARACTERS = 24_576
"""Longest cursor. It holds a vector of up to 4096 numbers, of which a character holds six bits."""

Ids = Annotated[tuple[Id, ...], BeforeValidator(_listed)]
Text = Annotated[str, Field(min_length=1, max_length=8192)]
Json = dict[str, Any]
ShownField = Literal["title", "features", "because"]
Fields = Annotated[tuple[ShownField, ...] | None, BeforeValidator(_listed)]


class Query(BaseModel):
    """Base of all queries: an unknown field is an error, because it is a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class Taste(Query):
    """Whom, or what, recommendations are for. All fields may be combined; without any, popularity decides."""

    user: Annotated[Id | None, BeforeValidator(_single)] = None
    """A user of the log or of the events; the service knows the newest interactions."""

    items: Ids = ()
    """Items that the user likes, oldest first."""

    browsed: Ids = ()
    """Items that were looked at."""

    basket: Ids = ()
    """Items in the basket."""

    purchased: Ids = ()
    """Items that were bought."""

    dislike: Ids = ()
    """Items that the user does not like: they and what is like them sink."""


class Shape(Query):
    """Which items may come, and how the list is made."""

    exclude: Ids = ()
    """Items that must not come."""

    filter: Annotated[Text | Json | None, BeforeValidator(_single)] = None
    """A condition on the catalogue's features, such as `genres:any(Comedy,Drama) and year>=1990`."""

    boost: Annotated[tuple[Text | Json, ...], BeforeValidator(_whole)] = Field(default=(), max_length=20)
    """Factors on the scores of items that pass a condition, such as `1.5*genres:Comedy`."""

    diversity: Annotated[float, BeforeValidator(number), Field(ge=0, le=1)] = 0.0
    """0 takes the best items, 1 the most different ones."""

    max_per: Annotated[Text | None, BeforeValidator(_single)] = None
    """The most items with the same value of a feature, such as `genres:2`."""


class Page(Query):
    """How much is shown."""

    k: Annotated[int, BeforeValidator(number), Field(ge=1)] = 10
    """Number of items."""

    fields: Fields = None
    """What each item shows besides its id and score. All of it, if it is not given."""

    cursor: Annotated[Annotated[str, Field(max_length=CURSOR_CHARACTERS)] | None, BeforeValidator(_single)] = None
    """`next` of the page before: the same query goes on with the same version."""


class RecommendationQuery(Page, Shape, Taste):
    """The query of `/v1/recommendations`."""


class RankQuery(Taste):
    """The query of `/v1/rank`."""

    candidates: Ids = Field(min_length=1)
    """The items to put in order."""

    fields: Fields = None
    """What each item shows besides its id and score. All of it, if it is not given."""


class WhyQuery(Taste):
    """The query of `/v1/why`."""

    item: Annotated[Id, BeforeValidator(_single)]
    """The item whose place is explained."""


class ListQuery(Query):
    """The query of `/v1/items/popular` and `/v1/items/latest`."""

    k: Annotated[int, BeforeValidator(number), Field(ge=1)] = 10
    """Number of items."""

    offset: Annotated[int, BeforeValidator(number), Field(ge=0, le=1_000_000)] = 0
    """Items that are passed over."""

    filter: Annotated[Text | None, BeforeValidator(_single)] = None
    """A condition on the catalogue's features."""

    fields: Fields = None
    """What each item shows besides its id and score."""


class SimilarQuery(ListQuery):
    """The query of `/v1/items/{item_id}/similar` and `/v1/item/similar`."""

    item: Annotated[Id, BeforeValidator(_single)]
    """The item."""


class GraphQuery(Query):
    """The query of `/v1/items/{item_id}/graph` and `/v1/item/graph`."""

    item: Annotated[Id, BeforeValidator(_single)]
    """The item in the middle."""

    depth: Annotated[int, BeforeValidator(number), Field(ge=1)] = 2
    """Steps from the middle."""

    breadth: Annotated[int, BeforeValidator(number), Field(ge=1)] = 5
    """Nearest items of each item."""


class SearchQuery(Query):
    """The query of `/v1/items/search`."""

    q: Annotated[str, BeforeValidator(_single), Field(min_length=1, max_length=200)]
    """What was typed so far of a title."""

    k: Annotated[int, BeforeValidator(number), Field(ge=1)] = 10
    """Number of items."""

    fields: Fields = None
    """What each item shows besides its id."""


class ItemQuery(Query):
    """The query of `/v1/items/{item_id}`, `/v1/item`, and of the embedding."""

    item: Annotated[Id, BeforeValidator(_single)]
    """The item."""
