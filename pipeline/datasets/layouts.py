"""Converts each source's files to the one layout of its data set, so that a config always reads the same bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from common.errors import DataSetError

GENRES = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
"""MovieLens 100K's genres in the order of `u.item`'s last 19 columns (its README)."""

RATINGS_HEADER = "user_id\titem_id\trating\ttimestamp"
ITEMS_HEADER = "item_id\ttitle\tgenres"


@dataclass(frozen=True)
class DataSetLayout:
    """Files as a source publishes them, and how to convert them to the data set's files."""

    files: tuple[str, ...]
    """Names of the files."""

    convert: Callable[[Mapping[str, bytes]], dict[str, bytes]]
    """Converts the contents of these files to those of the data set's files, both by name."""


def unchanged(*files: str) -> DataSetLayout:
    """Makes a layout whose files are used as they are."""
    return DataSetLayout(files, lambda contents: {name: contents[name] for name in files})


def movielens_official(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Converts GroupLens' `u.data` and `u.item` to `ratings.tsv` and `items.tsv`.

    Raises:
        DataSetError: A line of `u.item` has another number of columns.
    """
    items = []
    for line in contents["u.item"].decode("latin-1").rstrip("\n").split("\n"):
        fields = line.split("|")
        if len(fields) != 5 + len(GENRES):
            raise DataSetError(
                f"u.item: a line has {len(fields)} columns, not {5 + len(GENRES)}; this is a different file."
            )
        item_id, title = fields[0], fields[1].rstrip()  # three titles end in a space, which RecBole does not keep
        genres = [genre for genre, flag in zip(GENRES, fields[5:], strict=True) if flag == "1"]
        items.append((item_id, title, genres))
    return _movielens(contents["u.data"].decode("ascii"), items)


def movielens_recbole(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Converts RecBole's atomic files `ml-100k.inter` and `ml-100k.item` to `ratings.tsv` and `items.tsv`.

    RecBole moved the last bracket of the title to a column for the year. Adding it again gives GroupLens' title, except
    for the one film whose title and year are unknown: RecBole writes `unkonwn` in both columns.

    Raises:
        DataSetError: A line of `ml-100k.item` has another number of columns.
    """
    items = []
    for line in contents["ml-100k.item"].decode("utf-8").rstrip("\n").split("\n")[1:]:
        fields = line.split("\t")
        if len(fields) != 4:
            raise DataSetError(f"ml-100k.item: a line has {len(fields)} columns, not 4; this is a different file.")
        item_id, name, year, genres = fields
        title = "unknown" if year == "unkonwn" else f"{name} ({year})"
        items.append((item_id, title, genres.split(" ")))
    ratings = contents["ml-100k.inter"].decode("ascii").split("\n", 1)[1]
    return _movielens(ratings, items)


def _movielens(ratings: str, items: list[tuple[str, str, list[str]]]) -> dict[str, bytes]:
    """Makes the files. Sorts the ratings by second, user and film: many ratings have the same second.

    Published splits break these ties in the same way.
    """
    lines = ratings.splitlines()
    lines.sort(key=lambda line: tuple(int(line.split("\t")[column]) for column in (3, 0, 1)))
    rows = "".join(f"{item_id}\t{title}\t{'|'.join(genres)}\n" for item_id, title, genres in items)
    return {
        "ratings.tsv": "\n".join([RATINGS_HEADER, *lines, ""]).encode(),
        "items.tsv": f"{ITEMS_HEADER}\n{rows}".encode(),
    }
