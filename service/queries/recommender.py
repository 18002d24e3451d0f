"""Answers the queries of the API from the version that is in service. HTTP is not known here."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from common.errors import QueryError
from configs.service.limits import Limits
from service.events.recommendation_id import RecommendationIds
from service.events.shown import ShownCounts
from service.queries import items, why
from service.queries.cursor import Cursor, digest, read_cursor
from service.queries.kept_items import KeptItems
from service.queries.query import RankQuery, RecommendationQuery, Taste, WhyQuery
from service.queries.recent import RecentEvents
from service.queries.resolve import Met, Subject, Weights, ranking_query, subject
from service.ranking.query import Query
from service.snapshot.histories import History
from service.versions.manager import GoneError, Versions
from service.versions.served import Served

Observe = Callable[[int, tuple[str, ...], int, int], None]
"""Is told of an answer: version, basis, number of ids that were asked with, number of those that are unknown."""

POPULARITY = "popularity"
"""The basis of an answer when nothing is known."""


class Recommender:
    """Recommends, ranks and explains. Used by one event loop."""

    def __init__(
        self,
        versions: Versions,
        weights: Weights,
        limits: Limits,
        recent: RecentEvents | None,
        kept: KeptItems | None,
        ids: RecommendationIds,
        shown: ShownCounts,
        observe: Observe,
    ) -> None:
        """Prepares.

        Args:
            versions: What is in service.
            weights: Of the query's lists.
            limits: Bounds of a query.
            recent: What users did since; None without a database.
            kept: Titles and features in the database; None: the version's own are shown.
            ids: Makes the answers' ids.
            shown: Counts what was shown.
            observe: Is told of each answer.
        """
        self._versions = versions
        self._weights = weights
        self._limits = limits
        self._recent = recent
        self._kept = kept
        self._ids = ids
        self._shown = shown
        self._observe = observe

    async def recommend(self, query: RecommendationQuery) -> dict[str, Any]:
        """Answers a query of `/v1/recommendations`.

        Raises:
            QueryError: The query cannot be answered.
            NotReadyError, GoneError: No version, or not that of the cursor, is in service.
            BackendError, OverloadedError: The model does not answer.
        """
        self._check(query, query.k)
        given = read_cursor(query)
        served = self._versions.choose(_key(query)) if given is None else self._versions.pinned(given.version)
        with served.held():
            cursor = None if given is None else given.opened(query, served.snapshot)
            known = self._known(query, served)
            recent = await self._recent_of(query, served, known)
            if cursor is not None:
                if recent is None:
                    raise GoneError("what this cursor belongs to is not there any more; ask for the first page again.")
                recent = cursor.recent
            offset = 0 if cursor is None else cursor.offset
            whom = self._subject(query, served, known, recent)
            asked = ranking_query(
                query, whom, served.snapshot, k=query.k, offset=offset, max_terms=self._limits.filter_terms
            )
            resolved = None if cursor is None else cursor.resolved
            answer = await served.asker.rank(resolved or whom.question, served.ranker.plan(asked))
            found = items.listed(served.snapshot, answer.ranking, query.fields, whom.met)
            following = None
            if answer.ranking.has_more:
                after = Cursor(served.number, offset + len(found), digest(query), recent or (), answer.resolved)
                following = after.text(served.snapshot)
        result = self._head(served, whom, answer.known_user, answer.is_known)
        names = items.ids_of(found)
        result["recommendation_id"] = self._ids.encode(served.number, int(time.time()), names, offset)
        self._shown.count(served.number, len(names), offset)
        if query.filter is not None:
            result["passed"] = answer.ranking.passed
        return await self._with_kept({**result, "items": found, "next": following}, query.fields)

    async def rank(self, query: RankQuery) -> dict[str, Any]:
        """Puts candidates in order; see `recommend` for the errors. Those that are unknown are listed, not ranked."""
        self._check(query, 1)
        self._bound(candidates=query.candidates)
        served = self._versions.choose(_key(query))
        with served.held():
            known = self._known(query, served)
            whom = self._subject(query, served, known, await self._recent_of(query, served, known))
            places = served.snapshot.places_of(query.candidates)
            candidates = places[places >= 0]
            asked = Query(k=max(len(candidates), 1), within=candidates, disliked=whom.disliked)
            answer = await served.asker.rank(whom.question, served.ranker.plan(asked))
            found = items.listed(served.snapshot, answer.ranking, query.fields, whom.met)
        result = self._head(served, whom, answer.known_user, answer.is_known)
        lacking = [item_id for item_id, place in zip(query.candidates, places.tolist(), strict=True) if place < 0]
        result["unknown_items"] = list(dict.fromkeys([*result["unknown_items"], *lacking]))
        return await self._with_kept({**result, "items": found}, query.fields)

    async def explain(self, query: WhyQuery) -> dict[str, Any]:
        """Explains an item's place; see `recommend` for the errors.

        Raises:
            QueryError: The catalogue lacks the item.
        """
        self._check(query, 1)
        served = self._versions.choose(_key(query))
        with served.held():
            place = served.snapshot.place_of(query.item)
            if place is None:
                raise QueryError("item: the catalogue does not have it")
            known = self._known(query, served)
            whom = self._subject(query, served, known, await self._recent_of(query, served, known))
            scores, is_known = await served.asker.scores(why.questions(whom))
            explained = await asyncio.to_thread(why.explanation, served.snapshot, whom, place, scores, is_known)
        answer = {**self._head(served, whom, None, bool(is_known[0])), **explained}
        return await self._with_kept(answer, (items.TITLE,))

    def _known(self, taste: Taste, served: Served) -> History | None:
        return None if taste.user is None else served.snapshot.history_of(taste.user)

    async def _recent_of(self, taste: Taste, served: Served, known: History | None) -> Sequence[Met] | None:
        """What the user has done since the version was made; None: the user is forgotten."""
        if taste.user is None or self._recent is None:
            return ()
        # What the version has learned of a user is in the user's history there. Without one, as the config has
        # switched histories off or cleaning has dropped the user, nothing tells but the events themselves.
        learned = served.data.events_export if served.data is not None and known is not None else None
        return await self._recent.of(taste.user, learned)

    def _subject(self, taste: Taste, served: Served, known: History | None, recent: Sequence[Met] | None) -> Subject:
        if recent is None:
            # Forgotten, since this version was made or before: nobody. The next version does not know the user.
            taste, known, recent = taste.model_copy(update={"user": None}), None, ()
        return subject(taste, served.snapshot, self._weights, known, recent)

    async def _with_kept(self, answer: dict[str, Any], fields: tuple[str, ...] | None) -> dict[str, Any]:
        return answer if self._kept is None else await self._kept.put_into(answer, fields)

    def _head(self, served: Served, whom: Subject, known_user: bool | None, is_known: bool) -> dict[str, Any]:
        basis = (("user",) if known_user else ()) + whom.basis if is_known else ()
        self._observe(served.number, basis or (POPULARITY,), whom.asked_items, len(whom.unknown))
        return {
            "version": served.number,
            "basis": list(basis or (POPULARITY,)),
            "unknown_items": list(whom.unknown),
        }

    def _check(self, taste: Taste, k: int) -> None:
        if k > self._limits.k:
            raise QueryError(f"k: at most {self._limits.k} items are given at once. Received: {k}")
        self._bound(
            items=taste.items,
            browsed=taste.browsed,
            basket=taste.basket,
            purchased=taste.purchased,
            dislike=taste.dislike,
            exclude=taste.exclude if isinstance(taste, RecommendationQuery) else (),
        )

    def _bound(self, **lists: tuple[str, ...]) -> None:
        for name, values in lists.items():
            if len(values) > self._limits.ids:
                raise QueryError(
                    f"{name}: holds {len(values)} ids; at most {self._limits.ids} are allowed. Send the newest ones"
                )


def _key(taste: Taste) -> str:
    """What decides between live version and canary: the user, or else what is asked."""
    lists = (taste.items, taste.browsed, taste.basket, taste.purchased, taste.dislike)
    return taste.user or "\0".join(item_id for item_ids in lists for item_id in item_ids)
