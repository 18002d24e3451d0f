"""Decides how a snapshot is searched, exactly or by its index, and measures what the index finds before it is used."""

import dataclasses
import zipfile

import numpy as np

from service.index.lists import Lists
from service.index.recall import Sample
from service.ranking.index import Index
from service.snapshot.document import INDEX_FOLDER, SAMPLES_FOLDER, IndexMade
from service.snapshot.snapshot import Snapshot

_TOLERANCE = 0.02
"""How far the recall may be from what was asked for. Both are means of `service.index.recall.QUERIES` queries, so by
chance they differ by some 0.006; an index that is damaged, or of other embeddings, finds next to nothing."""


@dataclasses.dataclass(frozen=True)
class Search:
    """How a snapshot is searched.

    Attributes:
        index: The index; None for exact search.
        recall: Kind of queries, `items` or `users`, to the share of the exact best `service.index.recall.DEPTH` that
            the index finds, as a mean of queries that had no part in choosing how much of it is searched. Empty if
            there is no index, or none that can be read.
        compared: Items that a query is compared with, as a mean of the same queries; all of them in exact search.
        lists: Lists of the index; None in exact search.
        reason: Why the search is exact; empty if it is not.
        is_faulty: Whether there is an index that cannot be used.
    """

    index: Index | None
    recall: dict[str, float]
    compared: int
    lists: int | None
    reason: str
    is_faulty: bool = False


def open_search(snapshot: Snapshot) -> Search:
    """Opens the index of a snapshot, if it has one, and measures it: half a second for 1,000,000 items.

    An index that cannot be read, or that finds less than it did when it was made, is not used: the answers are then
    right, and slower.

    Args:
        snapshot: The snapshot.
    """
    made = snapshot.document.index
    if made is None or made.least is None:
        reason = "no index was asked for" if made is None else made.reason
        return Search(None, {}, snapshot.items, None, reason)
    try:
        lists = Lists(snapshot.folder / INDEX_FOLDER)
        samples = {path.stem: Sample.read(path) for path in sorted((snapshot.folder / SAMPLES_FOLDER).glob("*.npz"))}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as e:
        return _faulty(snapshot, f"the index cannot be read ({e})")
    embedded = np.ones(snapshot.items, np.bool_)
    embedded[snapshot.unembedded] = False
    if not np.array_equal(np.sort(lists.places), np.flatnonzero(embedded)):
        return _faulty(snapshot, "the index does not hold each item once")
    return _measured(snapshot, lists, made, made.least, samples)


def _measured(snapshot: Snapshot, lists: Lists, made: IndexMade, least: int, samples: dict[str, Sample]) -> Search:
    index, recall, compared = Index(snapshot, lists, least), dict[str, float](), []
    for kind, sample in samples.items():
        hits = 0
        for vector, left_out, best in zip(sample.vectors, sample.left_out, sample.best, strict=True):
            found = index.beginning(vector, np.unique(left_out[left_out >= 0]).astype(np.int64))
            hits += 0 if found is None else int(np.isin(best, found.places).sum())
            compared.append(lists.compared(vector, least))
        recall[kind] = hits / sample.best.size
    if min(recall.values(), default=0.0) < made.settings.recall - _TOLERANCE:
        found_now = ", ".join(f"{share:.3f} ({kind})" for kind, share in recall.items()) or "nothing"
        return _faulty(snapshot, f"the index was made for a recall of {made.settings.recall:g} and has {found_now}")
    return Search(index, recall, round(float(np.mean(compared))), lists.count, "")


def _faulty(snapshot: Snapshot, reason: str) -> Search:
    return Search(None, {}, snapshot.items, None, reason, is_faulty=True)
