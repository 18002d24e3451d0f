"""Describes the routes for the OpenAPI: parameters from the query classes, answers from `answers`, an example each."""

from typing import Any

from pydantic import BaseModel
from starlette.responses import PlainTextResponse

from service.api import answers
from service.api.errors import ErrorAnswer
from service.api.guard import LOGIN, PREFIX
from service.api.posted import EventBody, LoginBody
from service.queries.query import (
    GraphQuery,
    ItemQuery,
    ListQuery,
    Query,
    RankQuery,
    RecommendationQuery,
    SearchQuery,
    SimilarQuery,
    WhyQuery,
)

_ERRORS = {
    400: "The request is not what the contract asks for.",
    401: "No valid token.",
    403: "The token lacks the scope.",
    404: "The catalogue does not have the item.",
    408: "The request did not arrive in time.",
    410: "The version of the cursor is not served any more.",
    413: "The body is too large.",
    414: "The URL is too long; send JSON instead.",
    429: "Too many requests of this client.",
    431: "The headers are too long.",
    503: "The service cannot answer now; try again after `Retry-After` seconds.",
}


_ANYWHERE = (400, 401, 403, 408, 414, 429, 431, 503)
"""What every route of `/v1` may answer."""


def _errors(*statuses: int) -> dict[int, dict[str, Any]]:
    return {status: {"model": ErrorAnswer, "description": _ERRORS[status]} for status in statuses}


def secured(described: dict[str, Any]) -> dict[str, Any]:
    """Says in an OpenAPI which routes want a token."""
    described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    for path, methods in described["paths"].items():
        if path.startswith(PREFIX) and path != LOGIN:
            for operation in methods.values():
                operation["security"] = [{"token": []}]
    return described


def _schema(kind: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a query, with all definitions inside."""
    return kind.model_json_schema(ref_template="#/components/schemas/{model}")


def _parameters(kind: type[Query], *path: str, **examples: str) -> list[dict[str, Any]]:
    """The parameters of a URL for a query; those of the path are the query's field `item`."""
    schema = _schema(kind)
    found = []
    for name, field in schema["properties"].items():
        if name == "item" and path:
            found.append({"name": "item_id", "in": "path", "required": True, "schema": _plain(field)})
        else:
            one = {"name": name, "in": "query", "required": name in schema.get("required", []), "schema": _plain(field)}
            if _is_list(field):
                # A list is separated by commas; as `|` separates too, an id with either needs JSON.
                # Without a text it is an empty list: `fields=` shows ids and scores alone.
                one |= {"style": "form", "explode": name == "boost", "allowEmptyValue": True}
            found.append(one)
        found[-1]["description"] = field.get("description", "")
        if name in examples:
            found[-1]["example"] = examples[name]
    return found


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field as a URL can express it: neither null nor JSON objects."""
    kept = {key: value for key, value in field.items() if key not in ("default", "description", "title", "anyOf")}
    if "anyOf" in field:
        kept |= next(one for one in field["anyOf"] if one.get("type") not in ("null", "object"))
    if "items" in kept:
        kept["items"] = _plain(kept["items"])
    return kept


def _is_list(field: dict[str, Any]) -> bool:
    return any(one.get("type") == "array" for one in [field, *field.get("anyOf", [])])


def _get(
    summary: str, tag: str, answer: type[BaseModel], parameters: list[dict[str, Any]], *errors: int
) -> dict[str, Any]:
    return {
        "summary": summary,
        "tags": [tag],
        "response_model": None,
        "responses": {200: {"model": answer, "description": "The answer."}} | _errors(*_ANYWHERE, *errors),
        "openapi_extra": {"parameters": parameters},
    }


def _post(summary: str, tag: str, answer: Any, schema: dict[str, Any], example: Any, *errors: int) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "example": example}}
    return {
        "summary": summary,
        "tags": [tag],
        "response_model": None,
        "responses": {200: {"model": answer, "description": "The answer."}} | _errors(*_ANYWHERE, 413, *errors),
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
    }


_RECOMMENDATION = _schema(RecommendationQuery)

GET_RECOMMENDATIONS = _get(
    "Recommend items for a user, for items, or for both",
    "recommendations",
    answers.Recommendations,
    _parameters(RecommendationQuery, items="50,181", k="3"),
    410,
)
POST_RECOMMENDATIONS = _post(
    "The same with JSON: one query, or several under `queries`",
    "recommendations",
    answers.Recommendations | answers.RecommendationsBatch,
    {
        "anyOf": [
            _RECOMMENDATION,
            {
                "type": "object",
                "properties": {"queries": {"type": "array", "items": _RECOMMENDATION}},
                "required": ["queries"],
                "additionalProperties": False,
            },
        ]
    },
    {"items": ["50", "181"], "k": 3},
    410,
)
POST_RANK = _post(
    "Put candidates in order for a user, or for items",
    "recommendations",
    answers.Ranked,
    _schema(RankQuery),
    {"user": "196", "candidates": ["50", "181", "1"]},
)
GET_WHY = _get(
    "Explain an item's place: what pulls it up, what pushes it down",
    "recommendations",
    answers.Why,
    _parameters(WhyQuery, items="50,181", item="172"),
)
POST_WHY = _post(
    "The same with JSON",
    "recommendations",
    answers.Why,
    _schema(WhyQuery),
    {"items": ["50", "181"], "item": "172"},
)
GET_SEARCH = _get("Search titles as one types", "items", answers.FoundItems, _parameters(SearchQuery, q="star w"))
GET_POPULAR = _get("The most popular items", "items", answers.Items, _parameters(ListQuery))
GET_LATEST = _get("The newest items", "items", answers.Items, _parameters(ListQuery))


def _of_an_item(summary: str, answer: type[BaseModel], kind: type[Query]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A route with the item in the path, and its twin with the item in the query."""
    path, query = _parameters(kind, "item_id", item="50"), _parameters(kind, item="50")
    return (
        _get(summary, "items", answer, path, 404),
        _get(f"{summary}; for ids that a path cannot hold", "items", answer, query, 404),
    )


GET_ITEM, GET_ITEM_BY_QUERY = _of_an_item("All that is known of an item", answers.ItemAnswer, ItemQuery)
GET_SIMILAR, GET_SIMILAR_BY_QUERY = _of_an_item("The nearest items of an item", answers.Items, SimilarQuery)
GET_GRAPH, GET_GRAPH_BY_QUERY = _of_an_item("The items around an item, as a graph", answers.GraphAnswer, GraphQuery)
GET_EMBEDDING, GET_EMBEDDING_BY_QUERY = _of_an_item("An item's embedding", answers.Embedding, ItemQuery)
_EVENT = _schema(EventBody)
POST_EVENTS = _post(
    "Say what people did: one event, or several under `events`. They are on the disk when the answer comes",
    "events",
    answers.EventsAnswer,
    {
        "anyOf": [
            _EVENT,
            {
                "type": "object",
                "properties": {"events": {"type": "array", "items": _EVENT}},
                "required": ["events"],
                "additionalProperties": False,
            },
        ]
    },
    {"event_id": "a1", "type": "purchase", "user": "196", "item": "50"},
)
GET_STATISTICS = _get("What became of answers, by version and position", "events", answers.Statistics, [])
POST_LOGIN = _post(
    "Get a token with a name and a password",
    "service",
    answers.Token,
    _schema(LoginBody),
    {"user": "shop", "password": "a password"},
)
GET_MODEL = _get("What is in service, and what it was made from", "service", answers.ModelAnswer, [])
GET_READY: dict[str, Any] = {
    "summary": "Whether a version is in service",
    "tags": ["service"],
    "response_class": PlainTextResponse,
    "responses": _errors(503),
}
