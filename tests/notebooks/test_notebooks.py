"""The notebooks: kept without outputs, and executed on two runs of a small shop."""

import os
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from tests.shop import ITEMS, Shop

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SIGNATURES = (
    "serving_default",
    "recommend",
    "embed_items",
    "embed_item_indices",
    "embed_users",
    "similar_items",
    "catalogue",
)
_CELL_SECONDS = 300


def _read(notebook: Path) -> Any:
    return nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]


def test_there_are_the_four() -> None:
    assert [notebook.stem for notebook in NOTEBOOKS] == [
        "explore_data",
        "explore_embeddings",
        "inspect_runs",
        "query_model",
    ]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_holds_no_outputs_and_opens_with_what_it_is(notebook: Path) -> None:
    found = _read(notebook)
    nbformat.validate(found)
    code = [cell for cell in found.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count is not None] == []
    assert found.cells[0].cell_type == "markdown"
    assert "PERENNIAL_CONFIG" in found.cells[0].source
    assert [cell.source for cell in code if "def " in cell.source or "class " in cell.source] == []


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with two runs, the second on a day more."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    for row in ("not,a,row\n", '"1","b3",5,1699999999\n'):
        (part,) = (shop.folder / "interactions").iterdir()
        part.write_text(part.read_text() + row)
        done = shop.run("perennial", "run", "--config", str(shop.config))
        assert done.returncode == 0, done.stdout + done.stderr
    return shop


def _shown(shop: Shop, name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything that the notebook shows when it is executed."""
    monkeypatch.setenv("PERENNIAL_CONFIG", str(shop.config))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    notebook = _read(ROOT / "notebooks" / f"{name}.ipynb")
    nbclient.NotebookClient(
        notebook, timeout=_CELL_SECONDS, resources={"metadata": {"path": str(shop.folder)}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    return "\n".join(output.data.get("text/html", "") for output in outputs if "data" in output)


@pytest.mark.e2e
def test_inspect_runs_shows_both_runs_rules_and_lineage(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _shown(shop, "inspect_runs", monkeypatch)
    assert 'aria-label="ndcg@10 by run: run 1 ' in shown
    assert ", run 2 " in shown
    assert "better_than_popularity" in shown
    assert "TwoTower" in shown
    assert "There is one run only." not in shown


@pytest.mark.e2e
def test_explore_data_shows_cleaning_the_bad_row_and_statistics(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _shown(shop, "explore_data", monkeypatch)
    assert "Interactions left after each step: rows of the files" in shown
    assert "not,a,row" in shown
    for feature in ("user_id", "item_id", "value", "timestamp", "genres"):
        assert f"<td>{feature}</td>" in shown
    assert "Values of value:" in shown


@pytest.mark.e2e
def test_explore_embeddings_shows_the_map_and_neighbours(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _shown(shop, "explore_embeddings", monkeypatch)
    assert f"{ITEMS} items in 16 dimensions" in shown
    assert f"A map of {ITEMS} items" in shown
    assert "Five nearest items" in shown
    assert "Jaccard@10" in shown or "Moved most since the version before: nothing." in shown


@pytest.mark.e2e
def test_query_model_asks_every_signature(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _shown(shop, "query_model", monkeypatch)
    for signature in SIGNATURES:
        assert f"<td>{signature}</td>" in shown
    assert f"{ITEMS} items in all" in shown
    assert "<td>False</td>" in shown  # the item that nobody knows
