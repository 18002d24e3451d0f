"""Which held-out items are targets, and which of them no ranking can reach."""

import numpy as np
import pyarrow as pa
import pytest

from tests.trainer.worlds import interactions_of
from trainer.targets import ID, find_targets, places_of

CATALOGUE = [b"0", b"1", b"2", b"3"]


def test_find_targets_twice_met_and_outside_the_catalogue() -> None:
    histories = interactions_of([[0, 1], [2], [3, -1]], [["3", "1", "3"], ["99", "98", "99"], ["0", "gone", "2"]])
    targets = find_targets(histories, CATALOGUE)

    assert targets.row.tolist() == [0, 0, 1, 1, 2, 2, 2]
    # By place, and those outside the catalogue, which are two where they are two, last.
    assert targets.place.tolist() == [1, 3, -1, -1, 0, 2, -1]
    assert targets.met.tolist() == [True, False, False, False, False, False, False]
    assert targets.counts == {"targets": 7, "targets_met": 1, "targets_outside_catalogue": 3}


def test_find_targets_of_nobody_are_none() -> None:
    targets = find_targets(interactions_of([]), CATALOGUE)
    assert targets.counts == {"targets": 0, "targets_met": 0, "targets_outside_catalogue": 0}


@pytest.mark.parametrize("kind", [lambda ids: np.array(ids, object), lambda ids: pa.array(ids, ID)])
def test_places_of_bytes_and_arrow_arrays(kind: object) -> None:
    assert callable(kind)
    assert places_of(kind([b"2", b"", b"0", b"gone"]), kind(CATALOGUE)).tolist() == [2, -1, 0, -1]
