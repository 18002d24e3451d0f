"""The index of titles, against a search that looks at every title."""

import itertools
import random
import string
from pathlib import Path

import pytest

from service.snapshot.titles import Titles, write_titles
from service.snapshot.words import words_of

TITLES = [
    "Star Wars",
    "The Terminator",
    "Amélie",
    "Starship Troopers",
    "Terminator 2: Judgment Day",
    "La Cité des enfants perdus",
    "Star Trek: Generations",
    "Straße der Träume",
    "",
    "千と千尋の神隠し",
    'Say "AND" OR NOT* near(',
]
"""Most popular first."""


@pytest.fixture(scope="module")
def titles(tmp_path_factory: pytest.TempPathFactory) -> Titles:
    path = tmp_path_factory.mktemp("titles") / "a? #%.sqlite"
    write_titles(path, TITLES)
    return Titles(path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("s", [0, 3, 6, 7, 10]),
        ("st", [0, 3, 6, 7]),
        ("STAR", [0, 3, 6]),
        ("star ", [0, 6]),
        ("star t", [6]),
        ("wars star", [0]),
        ("amelie", [2]),
        ("AMÉL", [2]),
        ("strasse", [7]),
        ("cite perdus", [5]),
        ("千尋", [9]),
        ("神", [9]),
        ("and or not", [10]),
        ('say "', [10]),
        ("2", [4]),
        ("", []),
        ("  ?", []),
        ("nothinglikeit", []),
    ],
)
def test_search_as_one_types_finds_titles_most_popular_first(titles: Titles, text: str, found: list[int]) -> None:
    assert titles.search(text, 10) == found


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("terminater", [1, 4]),  # another letter
        ("termnator", [1, 4]),  # one is missing
        ("temrinator", [1, 4]),  # two are swapped
        ("terminatorr judgmet", [4]),
        ("satr wars", [0]),  # two letters of a short word
        ("termnin", [1, 4]),  # the beginning of a word, with a typo
        ("troopres star", [3]),
        ("ameliee ", [2]),
        ("xy", []),  # two letters say too little
        ("qqqqqqqq", []),
    ],
)
def test_search_with_typos_finds_the_nearest_words(titles: Titles, typed: str, found: list[int]) -> None:
    assert titles.search(typed, 10) == found


def test_search_of_k_gives_the_k_most_popular(titles: Titles) -> None:
    assert titles.search("s", 2) == [0, 3]


def test_search_of_long_text_answers(titles: Titles) -> None:
    assert titles.search("star " * 100_000, 3) == [0, 6]
    assert titles.search("x" * 1_000_000, 3) == []


def test_search_of_random_titles_is_that_of_a_scan(tmp_path: Path) -> None:
    random.seed(1)
    words = ["".join(random.choices("abcé", k=random.randint(1, 6))) for _ in range(60)]
    titles = [" ".join(random.choices(words, k=random.randint(1, 4))) for _ in range(500)]
    write_titles(tmp_path / "titles.sqlite", titles)
    index = Titles(tmp_path / "titles.sqlite")

    def holds(title: str, typed: list[str]) -> bool:
        having = words_of(title)
        return all(word in having for word in typed[:-1]) and any(word.startswith(typed[-1]) for word in having)

    seen = 0
    for first, last in itertools.product(random.sample(words, 20), string.ascii_lowercase[:4]):
        expected = [rank for rank, title in enumerate(titles) if holds(title, [*words_of(first), last])]
        if expected:
            seen += 1
            assert index.search(f"{first} {last}", 10) == expected[:10]
    assert seen > 20
