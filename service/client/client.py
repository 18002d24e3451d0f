"""The client: a method for each route of the API."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Literal, TypedDict

from typing_extensions import Unpack

from service.api import answers
from service.client.connection import A, Connection, Login
from service.client.errors import RefusedError
from service.client.event import Event

Field = Literal["title", "features", "because"]


class Taste(TypedDict, total=False):
    """Whom, or what, an answer is for. Without any of these, popularity decides."""

    user: str | None
    """A user of the log or of the events."""

    items: Sequence[str]
    """Items that the user likes, oldest first."""

    browsed: Sequence[str]
    """Items that were looked at."""

    basket: Sequence[str]
    """Items in the basket."""

    purchased: Sequence[str]
    """Items that were bought."""

    dislike: Sequence[str]
    """Items that the user does not like."""


class Client:
    """A client of one service, for many threads. It keeps connections open: close it, or use it in a `with` block.

    All requests are repeated until the deadline if the service cannot answer now (503, 429; not before the time that it
    names) or a connection is lost. All may be repeated without harm: events have ids. Every method raises
    `RefusedError`, with the service's words, if the request is wrong, and `UnavailableError` if there was no answer in
    time.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
        deadline_seconds: float = 10.0,
    ) -> None:
        """Names the service; nothing is sent yet.

        Args:
            url: Its address, such as `http://localhost:8080`.
            user: A user of the API. The client logs in when it needs a token, and again when that has expired.
            password: The user's.
            token: A token, instead of user and password.
            deadline_seconds: Time for one call with all its attempts. Default 10: the service answers within 2, or says
                that it cannot; that leaves time for a restart of its model.

        Raises:
            RefusedError: The address is none, or user, password and token do not fit together.
        """
        if (user is None) != (password is None) or (user is not None and token is not None):
            raise RefusedError("give user and password, or a token, or none of them.")
        if token is not None and not (token.isascii() and token.isprintable() and token):
            # Checked here, because the error of a header's value would repeat it.
            raise RefusedError("the token holds what no token holds, such as a line end.")
        login = None if user is None or password is None else Login(user, password)
        self._connection = Connection(url, login, token, deadline_seconds)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._connection.url!r})"

    def close(self) -> None:
        """Closes the connections."""
        self._connection.close()

    def recommend(
        self,
        *,
        k: int = 10,
        exclude: Sequence[str] = (),
        filter: str | Mapping[str, Any] | None = None,
        boost: Sequence[str | Mapping[str, Any]] = (),
        diversity: float = 0.0,
        max_per: str | None = None,
        fields: Sequence[Field] | None = None,
        cursor: str | None = None,
        **taste: Unpack[Taste],
    ) -> answers.Recommendations:
        """Recommends items.

        Args:
            k: Largest number of items.
            exclude: Items that must not come.
            filter: A condition on the catalogue's features, such as `genres:any(Comedy,Drama) and year>=1990`.
            boost: Factors on the scores of items that pass a condition, such as `1.5*genres:Comedy`.
            diversity: From 0, the best items, to 1, the most different ones.
            max_per: The most items with the same value of a feature, such as `genres:2`.
            fields: What each item shows besides its id and score; None for all of it.
            cursor: `next` of the answer before, with the same query: its next page.
            **taste: Whom, or what, it is for.
        """
        body = {
            **taste,
            "k": k,
            "exclude": list(exclude),
            "filter": filter,
            "boost": list(boost),
            "diversity": diversity,
            "max_per": max_per,
            "fields": fields,
            "cursor": cursor,
        }
        return self._post(answers.Recommendations, "/v1/recommendations", body)

    def rank(
        self, candidates: Sequence[str], *, fields: Sequence[Field] | None = None, **taste: Unpack[Taste]
    ) -> answers.Ranked:
        """Puts candidates in order; those that the catalogue lacks are in `unknown_items`."""
        return self._post(answers.Ranked, "/v1/rank", {**taste, "candidates": list(candidates), "fields": fields})

    def why(self, item: str, **taste: Unpack[Taste]) -> answers.Why:
        """Explains an item's place among the recommendations."""
        return self._post(answers.Why, "/v1/why", {"item": item, **taste})

    def item(self, item: str) -> answers.ItemFacts:
        """All that is known of an item."""
        return self._get(answers.ItemAnswer, "/v1/item", {"item": item}).item

    def similar(
        self,
        item: str,
        *,
        k: int = 10,
        offset: int = 0,
        filter: str | None = None,
        fields: Sequence[Field] | None = None,
    ) -> answers.Items:
        """The nearest items of an item."""
        return self._get(answers.Items, "/v1/item/similar", {"item": item, **_listing(k, offset, filter, fields)})

    def graph(self, item: str, *, depth: int = 2, breadth: int = 5) -> answers.GraphAnswer:
        """The items around an item: its nearest `breadth` items, their nearest, and so on, `depth` times."""
        return self._get(answers.GraphAnswer, "/v1/item/graph", {"item": item, "depth": depth, "breadth": breadth})

    def embedding(self, item: str) -> list[float]:
        """An item's embedding `[dim]`, of length 1; zeros if the model knows nothing of the item."""
        return self._get(answers.Embedding, "/v1/item/embedding", {"item": item}).embedding

    def search(self, text: str, *, k: int = 10, fields: Sequence[Field] | None = None) -> answers.FoundItems:
        """Items whose titles hold what was typed, most popular first."""
        return self._get(answers.FoundItems, "/v1/items/search", {"q": text, "k": k, "fields": fields})

    def popular(
        self, *, k: int = 10, offset: int = 0, filter: str | None = None, fields: Sequence[Field] | None = None
    ) -> answers.Items:
        """The most popular items."""
        return self._get(answers.Items, "/v1/items/popular", _listing(k, offset, filter, fields))

    def latest(
        self, *, k: int = 10, offset: int = 0, filter: str | None = None, fields: Sequence[Field] | None = None
    ) -> answers.Items:
        """The items that came last."""
        return self._get(answers.Items, "/v1/items/latest", _listing(k, offset, filter, fields))

    def model(self) -> answers.ModelAnswer:
        """What is in service, and what it was made from."""
        return self._get(answers.ModelAnswer, "/v1/model", {})

    def send_events(self, events: Iterable[Event], *, at_once: int = 100) -> answers.EventsAnswer:
        """Sends events; when this returns, all are on the service's disk.

        After an error some of them may be. Send the same ones again: those that are there count once.

        Args:
            events: The events.
            at_once: Events of one request, at most the service's `limits.batch`, which is 100 by default.

        Returns:
            The sums of all requests.
        """
        total = dict.fromkeys(answers.EventsAnswer.model_fields, 0)
        remaining = iter(events)
        while some := list(islice(remaining, at_once)):
            body = {"events": [event.body() for event in some]}
            for name, number in self._post(answers.EventsAnswer, "/v1/events", body):
                total[name] += number
        return answers.EventsAnswer(**total)

    def _get(self, answer: type[A], path: str, params: Mapping[str, Any]) -> A:
        return self._connection.ask(answer, "GET", path, params=_given(params))

    def _post(self, answer: type[A], path: str, body: Mapping[str, Any]) -> A:
        return self._connection.ask(answer, "POST", path, body=_given(body))


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, (tuple, set)) else value
        for name, value in values.items()
        if value is not None
    }


def _listing(k: int, offset: int, filter: str | None, fields: Sequence[Field] | None) -> dict[str, Any]:
    return {"k": k, "offset": offset, "filter": filter, "fields": fields}
