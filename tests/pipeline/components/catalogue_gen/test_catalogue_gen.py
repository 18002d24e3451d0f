"""CatalogueGen on files: features, bad rows, and the items that the log adds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tfx import types
from tfx.types import standard_artifacts

from common.errors import DataError, OutputError
from configs.catalogue import CatalogueSettings
from configs.ids import Ids
from documents.catalogue import CatalogueReport
from pipeline.components.catalogue_gen.catalogue import make_catalogue
from pipeline.components.catalogue_gen.executor import encode
from pipeline.reading.files import list_files
from tests.ingest import Ingested, Row, run_catalogue_gen
from tests.real_data import real_data

HEADER = b"item_id,title,year,genres,about\n"
ROWS = b'1,Alien (1979),1979,horror|sci-fi,"In space, no one"\n2,Brazil (1985),1985,sci-fi,\n3,Cube,,,Maths kills\n'
CONFIG: dict[str, Any] = {
    "features": {
        "words": {"kind": "text", "column": "about"},
        "genres": {"kind": "category", "column": "genres", "separator": "|"},
        "year": {"kind": "number", "column": "year"},
        "title_year": {"kind": "number", "column": "title", "pattern": r"\((\d{4})\)"},
    },
}

Made = tuple[list[dict[str, Any]], CatalogueReport, list[dict[str, Any]]]
Make = Callable[..., Made]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes the catalogue of files given by name, without Beam."""

    def _make(
        interacted: list[str],
        config: dict[str, Any] | None = None,
        ids: Ids | None = None,
        **files: bytes,
    ) -> Made:
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_bytes(content)
        inputs = list_files(str(tmp_path), {"train": "*"})
        catalogue = CatalogueSettings.model_validate({**CONFIG, **(config or {})})
        table, report, quarantine = make_catalogue(inputs, catalogue, interactions_with(interacted), ids or Ids())
        return table.to_pylist(), report, quarantine

    return _make


def interactions_with(items: list[str]) -> Any:
    """What InteractionGen says of the training interactions: the n-th item has n of them."""
    return pa.table({"item_id": pa.array(items, pa.string()), "count": pa.array(range(1, len(items) + 1), pa.int64())})


def _interactions(folder: Path, items: list[str]) -> types.Artifact:
    folder.mkdir()
    pq.write_table(interactions_with(items), folder / "items.parquet")
    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    return examples


def _run(tmp_path: Path, catalogue: CatalogueSettings | None, content: bytes, items: list[str]) -> Ingested:
    (tmp_path / "items.csv").write_bytes(content)
    interactions = _interactions(tmp_path / "interactions", items)
    return run_catalogue_gen(catalogue, str(tmp_path / "items.csv"), interactions, tmp_path / "out")


def test_do_items_in_order_of_the_file_then_added_by_id(tmp_path: Path) -> None:
    result = _run(tmp_path, CatalogueSettings.model_validate(CONFIG), HEADER + ROWS, ["3", "zoo", "1", "ant"])
    nothing: Row = {"words": [], "genres": [], "year": [], "title_year": []}
    assert result.rows("train") == [
        {
            "item_id": ["1"],
            "title": ["Alien (1979)"],
            "words": ["In space, no one"],
            "genres": ["horror", "sci-fi"],
            "year": [1979.0],
            "title_year": [1979.0],
        },
        {
            "item_id": ["2"],
            "title": ["Brazil (1985)"],
            "words": [],
            "genres": ["sci-fi"],
            "year": [1985.0],
            "title_year": [1985.0],
        },
        {**nothing, "item_id": ["3"], "title": ["Cube"], "words": ["Maths kills"]},
        {**nothing, "item_id": ["ant"], "title": ["ant"]},
        {**nothing, "item_id": ["zoo"], "title": ["zoo"]},
    ]
    assert result.report["items"] == 5
    assert result.report["added_items"] == 2
    assert result.report["interacted_items"] == 4
    assert result.report["filled"] == {"words": 2, "genres": 2, "year": 2, "title_year": 2}
    assert json.loads(result.artifact.split_names) == ["train"]


def test_do_without_catalogue_items_are_the_logs(tmp_path: Path) -> None:
    result = _run(tmp_path, None, b"not read", ["b", "10", "9"])
    assert result.rows("train") == [{"item_id": [i], "title": [i]} for i in ("10", "9", "b")]
    assert (result.report["items"], result.report["added_items"], result.report["untitled_items"]) == (3, 3, 0)


def test_make_without_catalogue_report_of_the_same_keys(make: Make) -> None:
    _, with_catalogue, _ = make(["1"], a_csv=HEADER + ROWS)
    _, without, quarantine = make_catalogue([], None, interactions_with(["1"]), Ids())
    assert without.to_values().keys() == with_catalogue.to_values().keys()
    assert (without.rows, without.filled, quarantine) == (0, {}, [])


def test_make_interactions_are_counted_by_what_their_items_have(make: Make) -> None:
    content = HEADER + b"1,One (1999),1999,g,w\n2,,2001,,w\n3,Three,,,\n"
    _, report, _ = make(["2", "gone", "1", "3"], a_csv=content)
    # 2 has 1 interaction, the item that the catalogue lacks 2, 1 has 3, and 3 has 4.
    assert report.interactions == 10
    assert report.filled_interactions == {"title": 7, "words": 4, "genres": 3, "year": 4, "title_year": 3}


def test_do_no_shared_ids_refused_with_samples(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        _run(tmp_path, CatalogueSettings.model_validate(CONFIG), HEADER + ROWS, ["x", "y"])
    message = str(caught.value)
    assert "has 0 of the 2 interacted items" in message
    assert "such as ['x', 'y']; the catalogue has ['1', '2', '3'] in column 'item_id'" in message
    assert "Correct catalogue.item_id" in message
    assert list((tmp_path / "out").rglob("*")) == []


def test_do_output_folder_cannot_be_made_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where the folder should be")
    (tmp_path / "items.csv").write_bytes(HEADER + ROWS)
    interactions = _interactions(tmp_path / "interactions", ["1"])
    with pytest.raises(OutputError, match="cannot be written"):
        run_catalogue_gen(
            CatalogueSettings.model_validate(CONFIG),
            str(tmp_path / "items.csv"),
            interactions,
            tmp_path / "file" / "out",
        )


def test_make_duplicate_id_first_stays_others_quarantined(make: Make) -> None:
    rows, report, quarantine = make(
        ["1"], {"max_bad_fraction": 0.5}, a_csv=HEADER + ROWS, b_csv=HEADER + b"2,Other,1,,\n4,New,1,,\n"
    )
    assert [(r["item_id"], r["title"]) for r in rows] == [
        ("1", "Alien (1979)"),
        ("2", "Brazil (1985)"),
        ("3", "Cube"),
        ("4", "New"),
    ]
    assert report.bad_rows_by_reason == {"item_id seen before": 1}
    assert [(Path(q["file"]).name, q["row"], q["excerpt"]) for q in quarantine] == [("b.csv", 2, "2, Other")]


def test_make_missing_title_id_stands_in_and_row_is_listed(make: Make) -> None:
    rows, report, quarantine = make(["1"], a_csv=HEADER + ROWS + b"4,,2000,drama,\n5,  ,2001,,\n")
    assert [(r["title"], r["year"]) for r in rows[3:]] == [("4", [2000.0]), ("5", [2001.0])]
    assert report.untitled_items == 2
    assert report.bad_rows == 0
    assert [(q["row"], q["reason"]) for q in quarantine] == [
        (5, "title is empty; the id is used as the title"),
        (6, "title is empty; the id is used as the title"),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"4,caf\xe9,1999,,\n", "not valid in the file's encoding"),
        (b"4,Dune,1999,\n", "too few columns"),
        (b"4,Dune,1999,,,\n", "too many columns"),
        (b'4,"Dune,1999,,\n', "unbalanced quote"),
        (b",Dune,1999,,\n", "item_id is empty"),
    ],
)
def test_make_bad_row_quarantined_others_kept(make: Make, row: bytes, reason: str) -> None:
    first, rest = ROWS.split(b"\n", 1)
    rows, report, quarantine = make(["1"], {"max_bad_fraction": 0.5}, a_csv=HEADER + first + b"\n" + row + rest)
    assert [r["item_id"] for r in rows] == ["1", "2", "3"]
    assert [(q["row"], q["reason"]) for q in quarantine] == [(3, reason)]
    assert report.rows == 4


def test_make_too_many_bad_rows_refused(make: Make) -> None:
    with pytest.raises(DataError, match=r"2 of 5 rows are bad \(40.00%\); catalogue.max_bad_fraction allows 1.00%"):
        make(["1"], a_csv=HEADER + ROWS + b"x\ny\n")


def test_make_quoted_line_breaks_belong_to_the_text(make: Make) -> None:
    text = b'4,"Two\r\nlines",1999,,"a\n""b""\n\nc"\n5,After,1,,\n6,"never closed,1,,\n7,Last,1,,\n'
    rows, _, quarantine = make(["1"], {"max_bad_fraction": 0.5}, a_csv=HEADER + ROWS + text)
    assert [(r["item_id"], r["title"]) for r in rows[3:]] == [("4", "Two\r\nlines"), ("5", "After"), ("7", "Last")]
    assert rows[3]["words"] == ['a\n"b"\n\nc']
    assert [(q["row"], q["reason"]) for q in quarantine] == [(11, "unbalanced quote")]


def test_make_number_that_is_none_is_left_empty(make: Make) -> None:
    rows, report, _ = make(["1"], a_csv=HEADER + b"1,A,soon,,\n2,B,nan,,\n3,C (1999), 7.5 ,w,g\n4,D,1e300,,\n")
    assert [r["year"] for r in rows] == [[], [], [7.5], []]
    assert report.bad_rows == 0
    assert report.filled["year"] == 1


def test_make_flags_become_categories(make: Make) -> None:
    features = {"genre": {"kind": "category", "flags": {"Action": 1, "Drama": 2}}}
    config = {"item_id": 0, "title": None, "features": features, "format": {"header": False, "separator": "|"}}
    rows, _, _ = make(["a"], config, a_csv=b"a|1|0\nb|1|1\nc|0|0\nd||1\n")
    assert [r["genre"] for r in rows] == [["Action"], ["Action", "Drama"], [], ["Drama"]]
    assert [r["title"] for r in rows] == ["a", "b", "c", "d"]


def test_make_parquet_lists_and_numbers_read_as_they_are(make: Make, tmp_path: Path) -> None:
    table = pa.table(
        {
            "item_id": pa.array([10, 11, 12]),
            "title": ["A", None, "C"],
            "genres": pa.array([["x", " y "], [], None]),
            "year": pa.array([1999, None, 2001], pa.int16()),
            "about": ["some", "", None],
        }
    )
    pq.write_table(table, tmp_path / "items.parquet", row_group_size=2)
    features = {k: v for k, v in CONFIG["features"].items() if k != "title_year"}
    features["genres"] = {"kind": "category", "column": "genres"}
    rows, report, _ = make(["10"], {"format": {"kind": "parquet"}, "features": features})
    assert rows == [
        {"item_id": "10", "title": "A", "words": ["some"], "genres": ["x", "y"], "year": [1999.0]},
        {"item_id": "11", "title": "11", "words": [], "genres": [], "year": []},
        {"item_id": "12", "title": "C", "words": [], "genres": [], "year": [2001.0]},
    ]
    assert report.rows == 3


def test_make_json_lines_same_items_as_csv_with_lists_flags_and_rare_features(make: Make) -> None:
    features = {
        **{name: feature for name, feature in CONFIG["features"].items() if name != "genres"},
        "genres": {"kind": "category", "column": "about.genres"},
        "awards": {"kind": "category", "flags": {"oscar": "has_oscar", "bafta": "has_bafta"}},
    }
    items = [
        {"item_id": 1, "title": "Alien (1979)", "year": 1979, "about.genres": ["horror", " sci-fi ", None]},
        {"item_id": "2", "title": None, "year": None, "has_oscar": True, "has_bafta": 1},
        {"item_id": 3, "title": 1984, "year": "1985", "about": {"genres": "drama"}, "has_oscar": False},
        {"item_id": True, "title": "Bool"},
        {"item_id": 4.5, "title": "Half"},
        {"title": "None"},
    ]
    lines = "".join(json.dumps(item) + "\n" for item in items).encode()
    config = {"features": features, "format": {"kind": "jsonl"}, "max_bad_fraction": 0.5}
    features["words"] = {"kind": "text", "column": "title"}
    rows, report, quarantine = make(["1"], config, a_jsonl=lines)
    assert [
        (r["item_id"], r["title"], r["words"], r["year"], r["title_year"], r["genres"], r["awards"]) for r in rows
    ] == [
        ("1", "Alien (1979)", ["Alien (1979)"], [1979.0], [1979.0], ["horror", "sci-fi"], []),
        ("2", "2", [], [], [], [], ["oscar", "bafta"]),
        ("3", "1984", ["1984"], [1985.0], [], ["drama"], []),
    ]
    assert [(q["row"], q["reason"]) for q in quarantine] == [
        (2, "title is empty; the id is used as the title"),
        (4, "item_id is true or false"),
        (5, "item_id is not a whole number"),
        (6, "item_id is empty"),
    ]
    assert report.bad_rows == 3


def test_make_json_lines_without_the_ids_column_refused(make: Make) -> None:
    with pytest.raises(DataError, match=r"a\.jsonl: no row of the first 1 has 'item_id'"):
        make(["1"], {"features": {}, "format": {"kind": "jsonl"}}, a_jsonl=b'{"id": 1, "title": "Alien"}\n')


def test_make_movielens_latin_1_titles_years_and_genres() -> None:
    names = ["unknown", "Action", "Adventure", "Animation"]
    catalogue = CatalogueSettings.model_validate(
        {
            "format": {"separator": "|", "header": False, "quote": "", "encoding": "latin-1"},
            "item_id": 0,
            "title": 1,
            "features": {
                "year": {"kind": "number", "column": 1, "pattern": r"\((\d{4})\)"},
                "genres": {"kind": "category", "flags": {name: 5 + i for i, name in enumerate(names)}},
            },
        }
    )
    inputs = list_files(str(real_data("movielens-100k")), {"train": "u.item"})
    table, report, _ = make_catalogue(inputs, catalogue, interactions_with(["1", "242"]), Ids())
    rows = table.to_pylist()
    assert len(rows) == 1682
    assert rows[0] == {"item_id": "1", "title": "Toy Story (1995)", "year": [1995.0], "genres": ["Animation"]}
    assert rows[542]["title"] == "Misérables, Les (1995)"
    assert report.filled["year"] == 1681


def test_make_goodbooks_wrong_id_column_refused() -> None:
    inputs = list_files(str(real_data("goodbooks-10k")), {"train": "books.csv"})
    interacted = interactions_with([str(i) for i in range(1, 10_001)])
    with pytest.raises(DataError, match="has 812 of the 10000 interacted items"):
        make_catalogue(inputs, CatalogueSettings(item_id="book_id"), interacted, Ids())
    table, report, _ = make_catalogue(inputs, CatalogueSettings(item_id="id"), interacted, Ids())
    assert (table.num_rows, report.added_items, report.bad_rows) == (10_000, 0, 0)


def test_encode_same_bytes_for_same_items() -> None:
    table = pa.table({"item_id": ["a"], "title": ["A"], "x": pa.array([["p"]]), "y": pa.array([[np.float32(1)]])})
    assert len({encode(table)[0] for _ in range(20)}) == 1


@pytest.mark.parametrize(
    ("catalogue", "log", "shown"),
    [
        (["7", "8", "7.0"], ["7"], "'7' in the catalogue and '7.0' in the catalogue"),
        (["7", "8"], ["7.0", "8"], "'7' in the catalogue and '7.0' in the log"),
        (["7 ", "8"], ["7", "8"], "'7' in the log and '7 ' in the catalogue"),
    ],
)
def test_make_id_in_two_spellings_refused_and_joined_on_request(
    make: Make, catalogue: list[str], log: list[str], shown: str
) -> None:
    files = {
        "items_csv": b"item_id,title,about,genres,year\n"
        + "".join(f"{i},T (1999),about,g,1999\n" for i in catalogue).encode()
    }
    with pytest.raises(DataError, match=r"item_id: 1 id\(s\) are written in several ways") as refused:
        make(log, {"max_bad_fraction": 0.5}, **files)
    assert shown in str(refused.value)
    rows, report, _ = make([i.strip().removesuffix(".0") for i in log], {"max_bad_fraction": 0.5},
                           ids=Ids(trim=True, integral=True), **files)  # fmt: skip
    assert {row["item_id"] for row in rows} == {"7", "8"}
    assert report.added_items == 0


PRICES = "item_id,title,price\n"


@pytest.mark.parametrize("cells", [["$7.50", "$3"], ["—", "n/a"], ['"3,50"', '"4,20"'], ["1 234", "5 678"]])
def test_make_feature_without_a_number_refused_with_an_example(make: Make, tmp_path: Path, cells: list[str]) -> None:
    config = {"features": {"price": {"kind": "number", "column": "price"}}}
    file = (PRICES + f"1,A,{cells[0]}\n2,B,{cells[1]}\n3,C,\n").encode()
    with pytest.raises(DataError) as refused:
        make(["1"], config, items_csv=file)
    assert str(refused.value).startswith(
        "catalogue.features.price: no item has a value: 2 cell(s) of its column hold something else than a number, "
        f"such as {cells[0].strip(chr(34))!r} in {tmp_path / 'items.csv'}. Correct the column in the config (column "
        "'price')"
    )


@pytest.mark.parametrize(
    "feature", [{"kind": "text", "column": "about"}, {"kind": "category", "flags": {"a": "about"}},
                {"kind": "number", "column": "about"}]
)  # fmt: skip
def test_make_feature_whose_column_is_empty_refused(make: Make, feature: dict[str, Any]) -> None:
    file = b"item_id,title,about\n1,A,\n2,B,NULL\n"
    with pytest.raises(DataError, match=r"catalogue\.features\.extra: no item has a value: its column is empty"):
        make(["1"], {"features": {"extra": feature}}, items_csv=file)


def test_make_some_cells_without_a_number_counted_and_warned_of(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    config = {"features": {"price": {"kind": "number", "column": "price"}}}
    file = (PRICES + "1,A,7.50\n2,B,$3\n3,C,\n4,D,free\n").encode()
    rows, report, _ = make(["1"], config, items_csv=file)
    assert [row["price"] for row in rows] == [[7.5], [], [], []]
    assert (report.filled, report.unreadable) == ({"price": 1}, {"price": 2})
    assert "price: 2 cell(s) of its column hold something else than a number, such as '$3'" in caplog.text


def test_make_pattern_that_is_found_nowhere_refused(make: Make) -> None:
    config = {"features": {"year": {"kind": "number", "column": "title", "pattern": r"\[(\d{4})\]"}}}
    with pytest.raises(
        DataError, match=r"2 cell\(s\) of its column hold something else than a number, such as 'A \(1995"
    ):
        make(["1"], config, items_csv=b"item_id,title\n1,A (1995)\n2,B (1996)\n")
