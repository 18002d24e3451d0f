"""Counts how often a version showed an item at a position: what clicks and purchases are a share of.

Counted in memory and added to the database every few seconds. A process that is killed loses the last seconds, which a
share does not notice.
"""

import threading

import numpy as np
import numpy.typing as npt

from service.database.database import Database
from service.database.inserts import insert_or_add
from service.database.tables import shown
from service.events.recommendation_id import MAX_ITEMS, MAX_POSITIONS


class ShownCounts:
    """Counts of this process that are not in the database yet. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[int, npt.NDArray[np.int64]] = {}

    def count(self, version: int, num_items: int, first: int = 0) -> None:
        """Counts one answer.

        Args:
            version: The version that answered.
            num_items: Items of the answer. Those after the first 50 are not told by `recommendation_id`, so they are
                not counted.
            first: Position of the first of them.
        """
        with self._lock:
            counts = self._counts.get(version)
            if counts is None:
                counts = self._counts[version] = np.zeros(MAX_POSITIONS, np.int64)
            counts[first : first + min(num_items, MAX_ITEMS)] += 1

    def flush(self, database: Database) -> None:
        """Adds the counts to the database. If that fails they are kept.

        Raises:
            DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
        """
        with self._lock:
            counts, self._counts = self._counts, {}
        rows = [
            {"version": version, "position": int(position), "answers": int(numbers[position])}
            for version, numbers in sorted(counts.items())  # in one order everywhere, so that no deadlock arises
            for position in np.flatnonzero(numbers)
        ]
        if not rows:
            return
        done = False
        try:
            statement = insert_or_add(database.engine.dialect, shown, "answers")
            database.change(statement, rows)
            done = True
        finally:
            if not done:
                self._keep(counts)

    def _keep(self, counts: dict[int, npt.NDArray[np.int64]]) -> None:
        with self._lock:
            for version, numbers in counts.items():
                self._counts[version] = self._counts.get(version, np.zeros(MAX_POSITIONS, np.int64)) + numbers
