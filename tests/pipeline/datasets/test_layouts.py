"""Both published forms of MovieLens 100K become the same bytes."""

import hashlib

import pytest

from common.errors import DataSetError
from pipeline.datasets.layouts import GENRES, movielens_official, movielens_recbole, unchanged
from pipeline.datasets.registry import DATA_SETS
from tests.real_data import real_data

RATINGS = "7\t1\t5\t100\n3\t2\t1\t90\n"


def official_item(item_id, title, *genres):
    flags = "|".join("1" if genre in genres else "0" for genre in GENRES)
    return f"{item_id}|{title}|01-Jan-1995||http://example.org|{flags}\n"


OFFICIAL = {
    "u.data": RATINGS.encode(),
    "u.item": (
        official_item(1, "Café Noir (1995)", "Drama", "Film-Noir")
        + official_item(2, "Trailing Space (1996) ", "Comedy")
        + official_item(3, "On Video (1995) (V)", "Animation")
        + official_item(4, "unknown", "unknown")
    ).encode("latin-1"),
}
RECBOLE = {
    "ml-100k.inter": b"user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + RATINGS.encode(),
    "ml-100k.item": (
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "1\tCafé Noir\t1995\tDrama Film-Noir\n"
        "2\tTrailing Space\t1996\tComedy\n"
        "3\tOn Video (1995)\tV\tAnimation\n"
        "4\tunkonwn\tunkonwn\tunknown\n"
    ).encode(),
}


def test_movielens_official_gives_the_canonical_files():
    assert movielens_official(OFFICIAL) == {
        "ratings.tsv": b"user_id\titem_id\trating\ttimestamp\n3\t2\t1\t90\n7\t1\t5\t100\n",
        "items.tsv": (
            "item_id\ttitle\tgenres\n"
            "1\tCafé Noir (1995)\tDrama|Film-Noir\n"
            "2\tTrailing Space (1996)\tComedy\n"
            "3\tOn Video (1995) (V)\tAnimation\n"
            "4\tunknown\tunknown\n"
        ).encode(),
    }


def test_movielens_recbole_gives_the_same_bytes_as_the_official_files():
    assert movielens_recbole(RECBOLE) == movielens_official(OFFICIAL)


def test_movielens_official_of_the_real_files_has_the_pinned_digests():
    folder = real_data("movielens-100k")
    files = movielens_official({name: (folder / name).read_bytes() for name in ("u.data", "u.item")})
    assert {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == DATA_SETS[
        "movielens-100k"
    ].files


@pytest.mark.parametrize("name", ["goodbooks-10k", "movietweetings", "retailrocket"])
def test_registry_pins_the_real_files(name):
    folder = real_data(name)
    pinned = DATA_SETS[name].files
    assert {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in pinned} == pinned


@pytest.mark.parametrize(
    ("convert", "contents"),
    [
        (movielens_official, {**OFFICIAL, "u.item": b"1|Title\n"}),
        (movielens_recbole, {**RECBOLE, "ml-100k.item": b"header\n1\tTitle\n"}),
    ],
)
def test_movielens_with_another_number_of_columns_is_another_file(convert, contents):
    with pytest.raises(DataSetError, match=r"a line has 2 columns, not .*; this is a different file"):
        convert(contents)


def test_unchanged_takes_its_files_and_no_others():
    assert unchanged("a").convert({"a": b"1", "b": b"2"}) == {"a": b"1"}
