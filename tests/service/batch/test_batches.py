"""`perennial recommend --users` and `perennial neighbours`, against what the real model answers itself."""

import csv
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from documents.provenance import Provenance
from pipeline.commands import cli
from service.batch import parts, users
from serving_signatures.export import export_model
from tests.service.in_process import InProcess
from tests.service.served_shop import ServedShop
from tests.service.small_shop import HISTORIES, KINDS, shop_items
from tests.serving_signatures.oracle import Oracle, exported, make_retriever
from tests.trainer_inputs import TrainerInputs

pytestmark = pytest.mark.e2e

VERSION = 1000


@pytest.fixture
def place(shop: TrainerInputs, oracle: Oracle, tmp_path: Path) -> ServedShop:
    """A serving folder with one version; no service runs."""
    made = ServedShop(tmp_path / "shop", exported(shop))
    made.push(VERSION, shop_items(oracle), KINDS, HISTORIES)
    return made


def run(place: ServedShop, *argv: str) -> int:
    return cli.main([*argv, "--config", str(place.config)])


def asked(model: InProcess, user: str, history: list[Any], k: int) -> list[tuple[str, float]]:
    """What the model's own `recommend` answers."""
    answer = model.ask(
        "recommend",
        user_id=[user],
        history=np.array([[item for item, _, _ in history]], object).reshape(1, -1),
        history_weight=np.array([[weight for _, weight, _ in history]], np.float32).reshape(1, -1),
        exclude=np.zeros((1, 0), object),
        k=[k],
    )
    pairs = zip(answer["item_id"][0], answer["score"][0].tolist(), strict=True)
    return [(item.decode(), score) for item, score in pairs if item]


def test_recommend_all_users_get_what_the_model_recommends(
    place: ServedShop, model: InProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "recs.parquet"
    assert run(place, "recommend", "--users", "all", "-k", "4", "--output", str(output)) == 0
    assert capsys.readouterr().out == f"{output}: recommendations of version {VERSION}.\n"
    rows = pq.read_table(output).to_pylist()
    assert list(rows[0]) == ["user_id", "rank", "item_id", "title", "score", "version"]
    assert [row["user_id"] for row in rows] == [user for user in sorted(HISTORIES) for _ in range(4)]
    for user, history in HISTORIES.items():
        found = [row for row in rows if row["user_id"] == user]
        expected = asked(model, user, history, 4)
        assert [row["item_id"] for row in found] == [item for item, _ in expected]
        assert [row["score"] for row in found] == pytest.approx([score for _, score in expected], abs=2e-6)
        assert [row["rank"] for row in found] == [1, 2, 3, 4]
        assert all(row["title"] == f"The Tale of {row['item_id']}" and row["version"] == VERSION for row in found)
    assert [path.name for path in tmp_path.iterdir() if "recs" in path.name] == ["recs.parquet"]


def test_recommend_users_of_a_file_come_in_its_order_and_strangers_get_what_is_popular(
    place: ServedShop, model: InProcess, tmp_path: Path
) -> None:
    (tmp_path / "users.txt").write_bytes("nobody, I\r\n\nu1-0\nü 1".encode())
    output = tmp_path / "recs.csv"
    assert run(place, "recommend", "--users", str(tmp_path / "users.txt"), "-k", "2", "--output", str(output)) == 0
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["user_id"] for row in rows] == ["nobody, I", "nobody, I", "u1-0", "u1-0", "ü 1", "ü 1"]
    for user, history in (("nobody, I", []), ("u1-0", HISTORIES["u1-0"]), ("ü 1", [])):
        expected = [item for item, _ in asked(model, user, history, 2)]
        assert [row["item_id"] for row in rows if row["user_id"] == user] == expected


@pytest.mark.parametrize(
    ("content", "fault"),
    [(b"a\n\xff\n", "line 2: is not UTF-8"), (b"a\n\n" + b"x" * 600, "line 3: an id has at most 512 bytes")],
)
def test_recommend_file_of_users_that_is_none_is_refused(
    place: ServedShop, tmp_path: Path, content: bytes, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "users.txt").write_bytes(content)
    output = tmp_path / "recs.csv"
    assert run(place, "recommend", "--users", str(tmp_path / "users.txt"), "--output", str(output)) == 1
    assert fault in capsys.readouterr().err
    assert [path for path in tmp_path.iterdir() if "recs" in path.name] == []


class Interrupted(Exception):
    """Stands for what ends a run half-way."""


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Parts of one user, and a list of the parts that are computed."""
    monkeypatch.setattr(users, "PART_USERS", 1)
    written: list[int] = []
    write = parts.Parts.write

    def noted(self: parts.Parts, number: int, table: Any) -> None:
        write(self, number, table)
        written.append(number)
        if len(written) == 2:
            raise Interrupted

    monkeypatch.setattr(parts.Parts, "write", noted)
    return written


def test_recommend_interrupted_run_goes_on_and_gives_the_same_file(
    place: ServedShop, model: InProcess, tmp_path: Path, small_parts: list[int]
) -> None:
    output = tmp_path / "recs.csv"
    with pytest.raises(Interrupted):
        run(place, "recommend", "--users", "all", "-k", "4", "--output", str(output))
    assert small_parts == [0, 1]
    assert not output.exists()
    assert run(place, "recommend", "--users", "all", "-k", "4", "--output", str(output)) == 0
    assert small_parts == [0, 1, 2]
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = [item for user in sorted(HISTORIES) for item, _ in asked(model, user, HISTORIES[user], 4)]
    assert [row["item_id"] for row in rows] == expected


def test_recommend_after_a_user_was_taken_out_of_the_version_begins_anew(
    place: ServedShop, tmp_path: Path, small_parts: list[int]
) -> None:
    output = tmp_path / "recs.parquet"
    with pytest.raises(Interrupted):
        run(place, "recommend", "--users", "all", "-k", "4", "--output", str(output))
    histories = place.serving / str(VERSION) / "assets.extra" / "service" / "histories.parquet"
    table = pq.read_table(histories)
    pq.write_table(table.filter([name != "late" for name in table["user_id"].to_pylist()]), histories)
    assert run(place, "recommend", "--users", "all", "-k", "4", "--output", str(output)) == 0
    assert [row["user_id"] for row in pq.read_table(output).to_pylist()] == ["u0-0"] * 4 + ["u1-0"] * 4


def test_recommend_leaves_out_who_is_forgotten_whoever_names_them(place: ServedShop, tmp_path: Path) -> None:
    output, named = tmp_path / "recs.parquet", tmp_path / "users.txt"
    named.write_text("u1-0\nnobody\nu0-0\n")
    # The serving folder is not touched: the list alone must be enough.
    histories = place.serving / str(VERSION) / "assets.extra" / "service" / "histories.parquet"
    before = histories.read_bytes()
    assert run(place, "forget", "u1-0") == 0
    histories.write_bytes(before)
    for users_, expected in (("all", ["late", "u0-0"]), (str(named), ["nobody", "u0-0"])):
        assert run(place, "recommend", "--users", users_, "-k", "1", "--output", str(output)) == 0
        assert [row["user_id"] for row in pq.read_table(output).to_pylist()] == expected


def test_recommend_user_forgotten_half_way_is_in_no_part_and_not_in_the_output(
    place: ServedShop, tmp_path: Path, small_parts: list[int]
) -> None:
    output = tmp_path / "recs.parquet"
    with pytest.raises(Interrupted):
        run(place, "recommend", "--users", "all", "-k", "1", "--output", str(output))
    assert run(place, "forget", "late") == 0
    assert run(place, "recommend", "--users", "all", "-k", "1", "--output", str(output)) == 0
    assert [row["user_id"] for row in pq.read_table(output).to_pylist()] == ["u0-0", "u1-0"]


def test_batch_of_a_version_that_answers_otherwise_than_it_was_trained_is_refused(
    place: ServedShop, shop: TrainerInputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    retriever = make_retriever(shop)[0]
    retriever.model.embedding.assign(retriever.model.embedding.numpy()[::-1])
    export_model(retriever, str(other), Provenance(pipeline="shop"))
    weights = place.serving / str(VERSION) / "variables"
    shutil.rmtree(weights)
    shutil.copytree(other / "variables", weights)
    for command in (("recommend", "--users", "all"), ("neighbours",)):
        output = tmp_path / "out.parquet"
        assert run(place, *command, "--output", str(output)) == 1
        assert "does not answer as it was trained" in capsys.readouterr().err
        assert not output.exists()


def test_recommend_version_without_histories_says_so(
    place: ServedShop, oracle: Oracle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place.push(1001, shop_items(oracle), KINDS)
    assert run(place, "recommend", "--users", "all", "--output", str(tmp_path / "recs.csv")) == 1
    assert "the version brings no histories" in capsys.readouterr().err


def neighbours(oracle: Oracle, item: str, k: int) -> list[str]:
    return [found.decode() for found in oracle.ranking(oracle.items[item.encode()], [item.encode()], k)[0] if found]


def embedded(oracle: Oracle) -> list[str]:
    return [item.decode() for item in oracle.order if oracle.items[item].any()]


def test_neighbours_in_a_file_are_those_of_the_model(place: ServedShop, oracle: Oracle, tmp_path: Path) -> None:
    output = tmp_path / "near.parquet"
    assert run(place, "neighbours", "--output", str(output), "-k", "3") == 0
    rows = pq.read_table(output).to_pylist()
    assert list(rows[0]) == ["item_id", "rank", "neighbour_id", "title", "score", "version"]
    for item in embedded(oracle):
        found = [row for row in rows if row["item_id"] == item]
        assert [row["neighbour_id"] for row in found] == neighbours(oracle, item, 3), item
    assert {row["item_id"] for row in rows} == set(embedded(oracle))


def test_neighbours_in_sqlite_switch_in_one_step(place: ServedShop, oracle: Oracle, tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table mine (x)")
    assert run(place, "neighbours", "--output", f"sqlite://{path}", "-k", "3") == 0
    reader = sqlite3.connect(path, isolation_level=None)
    look = "select neighbours, version from neighbours where item_id = ?"
    found, version = reader.execute(look, ("i7",)).fetchone()
    assert version == VERSION
    assert [near["item_id"] for near in json.loads(found)] == neighbours(oracle, "i7", 3)
    assert json.loads(found)[0]["title"] == f"The Tale of {neighbours(oracle, 'i7', 1)[0]}"

    place.push(1001, shop_items(oracle), KINDS)
    reader.execute("begin")
    before = reader.execute("select count(*), min(version) from neighbours").fetchone()
    assert before == (len(embedded(oracle)), VERSION)
    assert run(place, "neighbours", "--output", f"sqlite://{path}", "-k", "3") == 0
    assert reader.execute("select count(*), min(version) from neighbours").fetchone() == before
    reader.execute("commit")
    assert reader.execute(look, ("i7",)).fetchone() == (found, 1001)
    tables = {name for (name,) in reader.execute("select name from sqlite_master where type = 'table'")}
    assert tables == {"mine", "neighbours_1001"}
    reader.close()


def test_neighbours_sqlite_file_that_is_none_is_refused_at_once(
    place: ServedShop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "no.db"
    path.write_text("this is a text of mine, and no database at all" * 50)
    assert run(place, "neighbours", "--output", f"sqlite://{path}") == 1
    assert "cannot be used as an SQLite file" in capsys.readouterr().err
    assert path.read_text().startswith("this is a text of mine")


@pytest.mark.parametrize("output", ["near.txt", "sqlite://", "ftp://host/near", "redis://:secret@localhost/0"])
def test_neighbours_output_that_is_none_is_refused_without_its_secret(
    place: ServedShop, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(place, "neighbours", "--output", output) == 1
    error = capsys.readouterr().err
    assert error.startswith("OutputError: ")
    assert "secret" not in error
