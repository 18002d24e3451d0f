"""Finds users and items that have far more rows than the rest: robots, and ids that stand for missing ones."""

from collections.abc import Iterable, Sequence

from documents.cleaning import Outlier

KEPT = 6
"""The ids with the most rows that are compared: up to five outliers and the next."""

_LEAST_ROWS, _LEAST_SHARE = 100, 0.01
"""An outlier has at least so many rows, and at least so much of the log."""

_FAR = 5
"""An outlier has so many times the rows of the next. In the logs of MovieLens, goodbooks-10k, MovieTweetings and
Retailrocket, none of the first six ids has more than 1.9 times the rows of the next."""

_ID_CHARACTERS = 80


Rows = tuple[str, int]
"""An id and its number of rows."""


def most(counts: Iterable[Rows]) -> list[Rows]:
    """Returns the ids with the most rows, at most `KEPT`; of ids with equally many, the first by id."""
    return sorted(counts, key=lambda one: (-one[1], one[0]))[:KEPT]


def find(column: str, ranked: Sequence[Rows], rows: int) -> tuple[Outlier, ...]:
    """Finds the ids that have far more rows than the rest.

    Args:
        column: `user_id` or `item_id`.
        ranked: What `most` returns.
        rows: All rows of the log.

    Returns:
        The outliers, the largest first. A log whose ids are all among the first few has a rest as well: the next id.
    """
    for n in range(len(ranked) - 1, 0, -1):
        (_, least), (_, following) = ranked[n - 1], ranked[n]
        if least >= max(_LEAST_ROWS, _LEAST_SHARE * rows, _FAR * following):
            return tuple(
                Outlier(column=column, id=text[:_ID_CHARACTERS], rows=count, share=count / rows, next_rows=following)
                for text, count in ranked[:n]
            )
    return ()


def warning(outlier: Outlier) -> str:
    """Says what was found, and what to do."""
    return (
        f"log.columns.{outlier.column}: {outlier.id!r} has {outlier.rows:,} rows, {outlier.share:.0%} of the log; the "
        f"next has {outlier.next_rows:,}. Is it a robot, or does it stand for a missing id? Leave its rows out of the "
        "files, or list it in log.format.empty, so that it is no id."
    )
