"""Defines the snapshot of a version: what a request holds from its first line to its last, beside the model.

It never changes, so no answer mixes versions, and any number of threads may read it. The arrays are mapped from the
disk: an open snapshot costs the memory of what is asked of it. One thing may go: a user who is forgotten.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc

from configs.leave_out import is_left_out
from documents import service_data
from service.snapshot import document
from service.snapshot.document import SnapshotDocument
from service.snapshot.features import Feature, Places, Strings, read_feature
from service.snapshot.histories import Histories, History
from service.snapshot.neighbours import read_neighbours
from service.snapshot.titles import Titles

Facts = tuple[str, Mapping[str, list[str] | list[float]]]
"""An item's title, and its content features without those of which it has no value."""

_KEPT_FACTS = 50_000
"""Items whose facts are kept as Python objects: reading them from Arrow takes 10 µs, and answers repeat the popular
ones. Some 1 KB each."""


class Snapshot:
    """The items, titles, features, embeddings and histories of one version.

    Attributes:
        document: What there is.
        items: Size of the catalogue.
        item_ids: The catalogue in its order.
        titles: Title of each item.
        features: Content feature to its values by place.
        embedding: float32 `[items, dim]`, of length 1, or zero if nothing is known about the item; None if the model
            has no embeddings.
        unembedded: int32, places of the items whose embedding is zero, ascending.
        neighbours: The nearest items of each item, if the model has no embeddings but neighbours; else None.
        popularity: float32 `[items]`: the scores of nobody.
        by_popularity: int32 `[items]`: places, most popular first, ties by place.
        folder: Its files.
    """

    @classmethod
    def open(cls, folder: str | Path) -> "Snapshot":
        """Opens a snapshot: some 5 ms for 10,000 items.

        Args:
            folder: The folder that `prepare` wrote.

        Raises:
            OutputError: The folder's document is missing, damaged, or of another format.
            OSError: A file cannot be read.
            sqlite3.Error: A file cannot be opened.
        """
        return cls(Path(folder), SnapshotDocument.read(folder))

    def __init__(self, folder: Path, made: SnapshotDocument) -> None:
        """Opens the files of a folder."""
        self.document = made
        self.folder = folder
        self.items = made.items
        table = pa.ipc.open_file(pa.memory_map(str(folder / document.ITEMS_FILE))).read_all()
        self._columns = {name: table[name].chunk(0) for name in table.column_names}
        # A dictionary: an id costs 0.1 µs, and a look into a mapped index of ids fifty times as much.
        self.item_ids: Sequence[str] = self._columns[service_data.ITEM_ID].to_numpy(zero_copy_only=False).tolist()
        self._places = {item_id: place for place, item_id in enumerate(self.item_ids)}
        self.titles: Sequence[str] = Strings(self._columns[service_data.TITLE])
        self.features: Mapping[str, Feature] = {
            name: read_feature(kind, self._columns[service_data.feature_column(name)])
            for name, kind in made.features.items()
        }
        self._facts: dict[int, Facts] = {}
        self.popularity = _mapped(folder / document.POPULARITY_FILE)
        self.by_popularity = _mapped(folder / document.BY_POPULARITY_FILE)
        self.embedding: npt.NDArray[np.float32] | None = None
        self.unembedded: Places = np.zeros(0, np.int32)
        if made.dim is not None:
            self.embedding = _mapped(folder / document.EMBEDDING_FILE)
            self.unembedded = _mapped(folder / document.UNEMBEDDED_FILE)
        self.neighbours = read_neighbours(folder) if made.has_neighbours else None
        self._titles = Titles(folder / document.TITLES_FILE)
        self._histories = None if made.users is None else Histories(folder / document.HISTORIES_FILE)

    def place_of(self, item_id: str) -> int | None:
        """An item's place in the catalogue; None if the catalogue lacks it."""
        return self._places.get(item_id)

    def places_of(self, item_ids: Iterable[str]) -> npt.NDArray[np.int64]:
        """Places int64 `[n]` of items; -1 for one that the catalogue lacks."""
        return np.array([self._places.get(item_id, -1) for item_id in item_ids], np.int64)

    def places_or_none(self, item_ids: Iterable[str]) -> list[int | None]:
        """Places of items, as Python's own numbers, which are faster for the few of a query."""
        return list(map(self._places.get, item_ids))

    def item_id(self, place: int) -> str:
        """The id of the item at a place."""
        return self.item_ids[place]

    def facts_of(self, place: int) -> Facts:
        """Title and content features of the item at a place. Do not change them."""
        found = self._facts.get(place)
        if found is None:
            values = ((name, feature[place]) for name, feature in self.features.items())
            found = self.titles[place], {name: value for name, value in values if value}
            if len(self._facts) >= _KEPT_FACTS:
                self._facts.clear()
            self._facts[place] = found
        return found

    def count(self, place: int) -> int | None:
        """Training interactions with the item at a place; None if the version does not say."""
        return self._whole_number(service_data.COUNT, place)

    def first_time(self, place: int) -> int | None:
        """Unix seconds of the first interaction with the item at a place; None without times or interactions."""
        return self._whole_number(service_data.FIRST_TIME, place)

    def last_time(self, place: int) -> int | None:
        """Unix seconds of the last interaction with the item at a place; None without times or interactions."""
        return self._whole_number(service_data.LAST_TIME, place)

    @functools.cached_property
    def by_first_time(self) -> Places:
        """Places of the items that somebody has met, latest first meeting first, ties by place, int64."""
        times = self._columns[service_data.FIRST_TIME]
        met = np.flatnonzero(times.is_valid().to_numpy(zero_copy_only=False))
        seconds = times.take(pa.array(met)).to_numpy(zero_copy_only=False)
        return met[np.argsort(-seconds, kind="stable")]

    def history_of(self, user_id: str) -> History | None:
        """A user's newest interactions; None for a user without, and if the version brings no histories."""
        return None if self._histories is None else self._histories.of(user_id)

    def users(self, offset: int, limit: int) -> list[str]:
        """Some of the users with a history; see `Histories.users`. None, if the version brings no histories."""
        return [] if self._histories is None else self._histories.users(offset, limit)

    def left_out(self, places: Places, weights: npt.NDArray[np.float32]) -> Places:
        """Which of a history is not recommended, by the model's rule.

        Args:
            places: `[n]`, places of the history; below 0 for an item outside the catalogue.
            weights: float32 `[n]`, without decay.

        Returns:
            Some of the places.
        """
        return places[is_left_out(np.asarray(weights, np.float32), self.document.leave_out) & (places >= 0)]

    def search(self, text: str, k: int) -> list[int]:
        """Finds items by what is typed of their titles; see `service.snapshot.titles.Titles.search`.

        Args:
            text: What was typed so far.
            k: Largest number of items.

        Returns:
            Places, most popular first.
        """
        found: list[int] = self.by_popularity[self._titles.search(text, k)].tolist()
        return found

    def close(self) -> None:
        """Closes the databases; what is mapped goes with the last array that points to it."""
        self._titles.close()
        if self._histories is not None:
            self._histories.close()

    def _whole_number(self, column: str, place: int) -> int | None:
        number: int | None = self._columns[column][place].as_py()
        return number


def _mapped(path: Path) -> npt.NDArray[Any]:
    """A mapped array, read only. A plain view: each slice of NumPy's `memmap` costs microseconds more."""
    return np.asarray(np.load(path, mmap_mode="r"))
