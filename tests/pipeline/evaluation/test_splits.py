"""Raw Examples into histories and queries: looked up, weighed, in hash order, and cut to the first users."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.evaluation import splits
from tests.trainer_inputs import write_examples
from trainer.targets import ID
from transforms import features
from transforms.hashing import id_hashes

CATALOGUE = pa.array([b"a", b"b"], ID)


def row(user: str, history: Sequence[str], weight: Sequence[float], target: Sequence[str] = ()) -> dict[str, Any]:
    return {
        features.USER_ID: [user],
        features.ITEM_ID: list(history),
        features.VALUE: list(weight),
        features.TARGET_ITEM_ID: list(target),
    }


ROWS = [
    row("u", ["b", "a"], [2.0, 1.0], ["a", "x"]),
    row("v", ["x", "a"], [6.0, 1.0], ["b"]),
    row("w", [], [], ["b"]),
    row("without a target", ["a"], [1.0]),
]
IN_HASH_ORDER = sorted(("u", "v", "w"), key=lambda user: int(id_hashes([user])[0]))


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    write_examples(tmp_path / "0.gz", ROWS[:2])
    write_examples(tmp_path / "1.gz", ROWS[2:])
    return [str(tmp_path / "0.gz"), str(tmp_path / "1.gz")]


def as_rows(histories: Any) -> dict[int, tuple[list[int], list[float], list[bytes]]]:
    return {
        int(user): (
            histories.item[histories.offset[n] : histories.offset[n + 1]].tolist(),
            histories.weight[histories.offset[n] : histories.offset[n + 1]].tolist(),
            histories.target[histories.target_offset[n] : histories.target_offset[n + 1]].tolist(),
        )
        for n, user in enumerate(histories.user)
    }


@pytest.mark.parametrize("interactions", [1, 3, 1 << 22])
def test_read_train_any_look_up_gives_the_places_in_hash_order(
    files: list[str], interactions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splits, "USERS_A_BLOCK", 1)
    monkeypatch.setattr(splits, "INTERACTIONS_A_LOOK_UP", interactions)
    result = splits.read_train(files, CATALOGUE, weighted=True)

    assert result.user.tolist() == sorted(result.user)
    u, v, w, other = (int(hashed) for hashed in id_hashes(["u", "v", "w", "without a target"]))
    assert as_rows(result) == {
        u: ([1, 0], [2.0, 1.0], []),
        v: ([-1, 0], [6.0, 1.0], []),
        w: ([], [], []),
        other: ([0], [1.0], []),
    }
    assert splits.read_train(files, CATALOGUE, weighted=False).weight.tolist() == [1.0] * 5


def test_read_train_no_files_is_nobody() -> None:
    result = splits.read_train([], CATALOGUE, weighted=True)
    assert (result.users, result.offset.tolist()) == (0, [0])


def test_read_queries_are_the_users_with_a_target_by_their_own_items(files: list[str]) -> None:
    queries = splits.read_queries(files, 10, weighted=True)

    assert queries.user_id.tolist() == [user.encode() for user in IN_HASH_ORDER]
    assert queries.before_cut == 3
    by_place = as_rows(queries.by_place(CATALOGUE))
    assert [by_place[int(id_hashes([user])[0])] for user in ("u", "v", "w")] == [
        ([1, 0], [2.0, 1.0], [b"a", b"x"]),
        ([-1, 0], [6.0, 1.0], [b"b"]),
        ([], [], [b"b"]),
    ]
    ids = queries.item_id.to_pylist()
    assert {ids[item] for item in queries.histories.item} == {b"a", b"b", b"x"}


@pytest.mark.parametrize("most", [1, 2])
def test_read_queries_cut_takes_the_first_by_hash(files: list[str], most: int) -> None:
    queries = splits.read_queries(files, most, weighted=False)
    assert queries.user_id.tolist() == [user.encode() for user in IN_HASH_ORDER[:most]]
    assert queries.before_cut == 3
    assert len(queries.histories.weight) == len(queries.histories.item)


def test_read_queries_nobody_has_a_target_is_nobody(tmp_path: Path) -> None:
    write_examples(tmp_path / "0.gz", ROWS[3:])
    queries = splits.read_queries([str(tmp_path / "0.gz")], 5, weighted=True)
    assert (queries.histories.users, queries.before_cut, queries.by_place(CATALOGUE).users) == (0, 0, 0)


def test_first_users_however_the_blocks_come_are_the_smallest_hashes_and_few_are_held() -> None:
    hashes = np.random.default_rng(0).permutation(200)

    def block(chosen: np.ndarray) -> Any:
        n = len(chosen)
        lists = pa.array([[b"t"] for _ in chosen], pa.large_list(ID))
        return pa.table(
            {
                features.USER_ID: pa.array([b"u"] * n, ID),
                splits.HASH: pa.array(chosen),
                features.ITEM_ID: lists,
                features.VALUE: pa.array([[1.0]] * n, pa.large_list(pa.float32())),
                features.TIMESTAMP: pa.array([[7]] * n, pa.large_list(pa.int64())),
                features.TARGET_ITEM_ID: lists,
                features.TARGET_TIMESTAMP: pa.array([[0] for _ in chosen], pa.large_list(pa.int64())),
            }
        )

    for size in (1, 7, 200):
        chosen, users = splits.first_users((block(hashes[at : at + size]) for at in range(0, 200, size)), 6)
        assert (chosen.column(splits.HASH).to_pylist(), users) == (list(range(6)), 200)


def test_read_train_keeps_the_time_of_each_interaction(tmp_path: Path) -> None:
    rows = [
        {**each, features.TIMESTAMP: [10 * n, 10 * n + 1][: len(each[features.ITEM_ID])]} for n, each in enumerate(ROWS)
    ]
    write_examples(tmp_path / "0.gz", rows)
    train = splits.read_train([str(tmp_path / "0.gz")], CATALOGUE, weighted=False)
    of_user = {
        int(user): (train.item[part].tolist(), train.timestamp[part].tolist())
        for n, user in enumerate(train.user)
        for part in [slice(train.offset[n], train.offset[n + 1])]
        if train.timestamp is not None
    }
    assert of_user[int(id_hashes(["v"])[0])] == ([-1, 0], [10, 11])
    assert of_user[int(id_hashes(["without a target"])[0])] == ([0], [30])


def test_read_train_of_a_log_without_times_has_none(files: list[str]) -> None:
    assert splits.read_train(files, CATALOGUE, weighted=False).timestamp is None


def test_read_queries_newer_targets_alone_count_and_one_without_a_time_is_not_newer(tmp_path: Path) -> None:
    timed = {"u": [5, 8], "v": [7], "w": [9]}
    rows = [{**one, features.TARGET_TIMESTAMP: timed.get(one[features.USER_ID][0], [])} for one in ROWS]
    rows.append(row("x", ["a"], [1.0], ["b"]))
    write_examples(tmp_path / "0.gz", rows)
    result = splits.read_queries([str(tmp_path / "0.gz")], 10, weighted=True, newer_than=7)
    kept = {int(id_hashes([user])[0]): user for user in ("u", "w")}
    found = as_rows(result.histories)
    assert {kept[user]: targets for user, (_, _, targets) in found.items()} == {"u": [b"x"], "w": [b"b"]}
    assert result.before_cut == 2
    all_of_them = splits.read_queries([str(tmp_path / "0.gz")], 10, weighted=True)
    assert all_of_them.before_cut == 4


def test_count_newer_counts_all_users_and_all_their_interactions(tmp_path: Path) -> None:
    timed = {"u": ([1, 9], [5, 8]), "v": ([8, 8], [7]), "w": ([], [9])}
    for name, one in zip("ab", (ROWS[:1], ROWS[1:3]), strict=True):
        rows = []
        for row in one:
            times, target_times = timed[row[features.USER_ID][0]]
            rows.append({**row, features.TIMESTAMP: times, features.TARGET_TIMESTAMP: target_times})
        write_examples(tmp_path / name, rows)
    files = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert splits.count_newer(files, features.TIMESTAMP, 7) == 3
    assert splits.count_newer(files, features.TARGET_TIMESTAMP, 7) == 2
    assert splits.count_newer(files, features.TARGET_TIMESTAMP, 9) == 0
