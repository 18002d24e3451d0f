"""Writes a log of any size with known tastes: shaped like a book log, with Zipf items and long-tailed users.

Every item has one genre. Every user likes three genres and takes 90 % of the interactions from them. A model that
learned nothing finds the popular items; one that learned the tastes finds the user's genres.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

_GENRES = 30
_ZIPF_EXPONENT = 0.9
_LIKED = 0.9
_ROWS_A_FILE = 1_000_000


def synthesize(folder: Path, rows: int, users: int, items: int, seed: int = 7) -> None:
    """Writes `interactions/part-*.csv` (user_id, item_id, rating, timestamp) and `items.csv` (item_id, title, genres).

    Args:
        folder: The folder to write to; made if needed.
        rows: Number of interactions.
        users: Number of users that may occur.
        items: Number of items in the catalogue.
        seed: Seed of everything random.
    """
    random = np.random.default_rng(seed)
    (folder / "interactions").mkdir(parents=True, exist_ok=True)
    genre_of_item = random.integers(0, _GENRES, items)
    by_genre = [random.permutation(np.flatnonzero(genre_of_item == genre)) for genre in range(_GENRES)]
    anything = random.permutation(items)
    tastes = np.argsort(random.random((users, _GENRES)), axis=1)[:, :3]
    activity = np.cumsum(random.pareto(1.5, users) + 0.2)
    names = np.char.add("b", np.arange(items).astype(str))
    catalogue = {
        "item_id": names,
        "title": np.char.add("Title ", np.arange(items).astype(str)),
        "genres": np.char.add("genre", genre_of_item.astype(str)),
    }
    _write(pa.table(catalogue), folder / "items.csv")
    for part, start in enumerate(range(0, rows, _ROWS_A_FILE)):
        count = min(_ROWS_A_FILE, rows - start)
        user = np.searchsorted(activity, random.random(count) * activity[-1]).clip(max=users - 1)
        genre = tastes[user, random.integers(0, 3, count)]
        liked = random.random(count) < _LIKED
        item = anything[_zipf(random, items, count)]
        for one in range(_GENRES):
            at = np.flatnonzero(liked & (genre == one))
            if len(by_genre[one]):
                item[at] = by_genre[one][_zipf(random, len(by_genre[one]), len(at))]
        log = {
            "user_id": user,
            "item_id": names[item],
            "rating": np.where(liked, random.integers(3, 6, count), random.integers(1, 4, count)),
            "timestamp": random.integers(1_500_000_000, 1_700_000_000, count),
        }
        _write(pa.table(log), folder / "interactions" / f"part-{part:05d}.csv")


def _zipf(random: np.random.Generator, items: int, count: int) -> "np.typing.NDArray[np.int64]":
    weights = np.cumsum(np.arange(1, items + 1) ** -_ZIPF_EXPONENT)
    return np.searchsorted(weights, random.random(count) * weights[-1]).clip(max=items - 1)


def _write(table: pa.Table, path: Path) -> None:
    # Arrow quotes the names in the header, and CsvExampleGen reads the quotes as part of the name.
    with path.open("wb") as file:
        file.write(",".join(table.column_names).encode() + b"\n")
        csv.write_csv(table, file, csv.WriteOptions(include_header=False))
