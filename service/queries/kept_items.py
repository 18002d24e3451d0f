"""Puts titles and features that are kept in the database into answers, in the place of the version's own."""

import logging
from collections.abc import Callable, Collection, Iterator
from typing import Any

from service.database.errors import DatabaseError
from service.database.items import ItemStore
from service.database.threads import DatabaseThreads
from service.queries.items import ALL, FEATURES, TITLE

_logger = logging.getLogger("perennial.service")


class KeptItems:
    """Reads them, mostly from memory."""

    def __init__(self, store: ItemStore, threads: DatabaseThreads, on_failure: Callable[[], None]) -> None:
        """Prepares.

        Args:
            store: The items.
            threads: Where the database is called.
            on_failure: Is called when they could not be read, for metrics.
        """
        self._store, self._threads, self._on_failure = store, threads, on_failure
        self._is_down = False

    async def put_into(self, answer: dict[str, Any], fields: Collection[str] | None) -> dict[str, Any]:
        """Changes an answer. If the database does not answer, it stays as it is.

        Args:
            answer: An answer with `items`, `nodes` or an `item`.
            fields: What its items show; None for everything.

        Returns:
            The same object.
        """
        shown = ALL if fields is None else fields
        found = list(_items_of(answer, shown))
        item_ids = [item["item_id"] for item, _ in found]
        kept = self._store.remembered(item_ids)
        if kept is None:
            try:
                kept = await self._threads.run(lambda: self._store.get(item_ids))
            except DatabaseError as e:
                if not self._is_down:
                    _logger.warning("answers go on with the version's own titles and features: %s", e)
                self._is_down = True
                self._on_failure()
                return answer
            self._is_down = False
        for item, names in found:
            metadata = kept.get(item["item_id"])
            if metadata is None:
                continue
            if TITLE in names:
                item["title"] = metadata.title
            if FEATURES in names and metadata.features:
                item["features"] = {**item.get("features", {}), **metadata.features}  # a new one: others share the old
        return answer


def _items_of(answer: dict[str, Any], shown: Collection[str]) -> Iterator[tuple[dict[str, Any], Collection[str]]]:
    """Every item of an answer, and what it shows."""
    for item in (*answer.get("items", ()), *answer.get("nodes", ()), *([answer["item"]] if "item" in answer else ())):
        yield item, shown
        if "because" in item:
            yield item["because"], (TITLE,)
    for reason in answer.get("reasons", ()):
        if "item" in reason:
            yield reason["item"], (TITLE,)
