"""Finds items by what somebody types of their titles: the most popular first, with typos repaired.

SQLite's FTS5 holds the words of the titles alone, and the row ids are the items' ranks by popularity: the first rows
that it finds are the answer, and nothing is sorted. Sorting by a column costs a thousand times as much for a word's
first letter, with a million titles.
"""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from service.snapshot.sqlite import Reader, writing
from service.snapshot.words import words_of

_MAX_CHARACTERS = 200
"""What is typed beyond it is not read; longer titles are rare, and a cut finds more, not less."""

_MAX_WORDS = 12
"""Likewise; each word is one look into the index, and one comparison with all words if it is misspelt."""

_MAX_SPELLINGS = 5
"""Words that are tried in the place of a misspelt one; with five, the right one was among them 60 times of 60."""


def write_titles(path: str | Path, titles: Iterable[str]) -> None:
    """Writes the index.

    Args:
        path: The new file.
        titles: Of all items, most popular first; they are read one by one.

    Raises:
        sqlite3.Error: The file cannot be written.
    """
    with writing(path) as connection:
        # Folded words have no ASCII signs beside letters and digits, so `ascii` splits at our spaces alone. Only the
        # fact that a word is in a title counts: no positions, no lengths. People wait for the first four letters most.
        connection.execute(
            "create virtual table titles using fts5"
            "(words, content='', detail=none, columnsize=0, prefix='1 2 3 4', tokenize='ascii')"
        )
        connection.execute("create virtual table vocabulary using fts5vocab(titles, row)")
        connection.executemany(
            "insert into titles(rowid, words) values (?, ?)",
            ((rank, " ".join(words_of(title))) for rank, title in enumerate(titles)),
        )
        connection.execute("insert into titles(titles) values ('optimize')")


class Titles:
    """The index, for many threads."""

    def __init__(self, path: str | Path) -> None:
        """Opens the index that `write_titles` wrote."""
        self._reader = Reader(path)

    def search(self, text: str, k: int) -> list[int]:
        """Finds titles that hold all words of a text; the last word may be a beginning.

        If no title holds them, words are replaced by the nearest that titles hold.

        Args:
            text: What was typed. A space at its end says that the last word is complete.
            k: Largest number of titles.

        Returns:
            Ranks by popularity, ascending.
        """
        text = text[:_MAX_CHARACTERS]
        words = words_of(text)[:_MAX_WORDS]
        if not words:
            return []
        is_open = not text[-1].isspace()
        found = self._matches([[word] for word in words], is_open, k)
        return found or self._repaired(words, is_open, k)

    def close(self) -> None:
        """Closes the file."""
        self._reader.close()

    def _matches(self, spellings: Sequence[Sequence[str]], is_open: bool, k: int) -> list[int]:
        """Ranks of the titles that hold, for each word typed, one of its spellings."""
        parts = []
        for position, words in enumerate(spellings):
            star = "*" if is_open and position == len(spellings) - 1 else ""
            parts.append("(" + " OR ".join(f'"{word}"{star}' for word in words) + ")")
        rows = self._reader.rows(
            "select rowid from titles where titles match ? order by rowid limit ?", (" AND ".join(parts), k)
        )
        return [rank for (rank,) in rows]

    def _repaired(self, words: Sequence[str], is_open: bool, k: int) -> list[int]:
        near = []
        for position, word in enumerate(words):
            found = self._near(word, is_open and position == len(words) - 1)
            if not found:  # so the words after it need no search
                return []
            near.append(found)
        nearest = [[word for word, distance in found if distance == found[0][1]] for found in near]
        ranks = self._matches(nearest, is_open, k)
        return ranks or self._matches([[word for word, _ in found] for found in near], is_open, k)

    def _near(self, word: str, is_open: bool) -> list[tuple[str, int]]:
        """The words of titles, or their beginnings, that are nearest to a word, with their distances, nearest first."""
        found = _nearest(word, self._vocabulary)
        if is_open and not found:
            beginnings = dict.fromkeys(known[: len(word)] for known in self._vocabulary if len(known) >= len(word))
            found = _nearest(word, list(beginnings))
        return found

    @functools.cached_property
    def _vocabulary(self) -> list[str]:
        """All words, the most frequent first. Read when the first typo comes: most versions see none."""
        return [word for (word,) in self._reader.rows("select term from vocabulary order by doc desc, term")]


def _nearest(word: str, known: Sequence[str]) -> list[tuple[str, int]]:
    """Compares by optimal string alignment: insert, delete, replace, or swap two neighbours."""
    # Elasticsearch's `fuzziness: AUTO`: no edit up to two letters, one up to five, two in longer words.
    edits = 0 if len(word) <= 2 else 1 if len(word) <= 5 else 2
    found = process.extract(word, known, scorer=OSA.distance, score_cutoff=edits, limit=_MAX_SPELLINGS)
    return [(spelling, int(distance)) for spelling, distance, _ in found]
