"""The notebooks: kept without outputs, and executed on runs of a small shop that were pushed, refused and failed."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs.load import load_config
from pipeline.commands.run import NOT_PUSHED
from pipeline.store.runs.metadata import ERROR
from tests import forked
from tests.once import once
from tests.pipeline.store.runs.history import History
from tests.shop import ITEMS, Shop

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "notebooks" / "README.md"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SIGNATURES = (
    "serving_default",
    "recommend",
    "scores",
    "embed_items",
    "embed_item_indices",
    "embed_users",
    "similar_items",
    "catalogue",
)
_CELL_SECONDS = 300


def _read(notebook: Path) -> Any:
    import nbformat  # 2 s, which every process would pay that collects this file

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
    import nbformat

    found = _read(notebook)
    nbformat.validate(found)
    code = [cell for cell in found.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count is not None] == []
    assert found.cells[0].cell_type == "markdown"
    assert "PERENNIAL_CONFIG" in found.cells[0].source
    assert [cell.source for cell in code if "def " in cell.source or "class " in cell.source] == []


def test_readme_command_names_a_config_that_a_notebook_finds_from_its_own_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (named,) = re.findall(r"^PERENNIAL_CONFIG=(\S+) \S+jupyter lab notebooks$", README.read_text(), flags=re.MULTILINE)
    monkeypatch.setenv("PWD", str(ROOT))
    monkeypatch.chdir(ROOT / "notebooks")
    assert load_config(os.path.expandvars(named)).name == "movielens-100k"


def test_query_model_calls_every_signature() -> None:
    cells = _read(ROOT / "notebooks" / "query_model.ipynb").cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert {name for name in SIGNATURES if f'ask["{name}"](' in code} == set(SIGNATURES)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with three runs: one, one on a day more, and one whose model a gate refuses that asks too much."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    (part,) = (shop.folder / "interactions").iterdir()
    for row in ("not,a,row\n", '"1","b3",5,1699999999\n'):
        part.write_text(part.read_text() + row)
        _run(shop)
    values = yaml.safe_load(shop.config.read_text())
    shop.config.write_text(yaml.safe_dump({**values, "gate": {**values["gate"], "floor": {"hit_rate@10": 0.999}}}))
    _run(shop, status=NOT_PUSHED)
    assert len(shop.versions) == 2
    return shop


def _run(shop: Shop, status: int = 0) -> None:
    done = shop.forked("perennial", "run", "--config", str(shop.config))
    assert done.returncode == status, done.stdout + done.stderr


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> History:
    """A pipeline whose only run failed before it had read anything."""
    history = History(tmp_path_factory.mktemp("failed"))
    run = history.run(outcome="failed")
    run.node("InteractionGen", {"examples": "Examples"}, state="FAILED", properties={ERROR: "DataError: no such log"})
    return history


def _shown(config: Path, name: str, monkeypatch: pytest.MonkeyPatch, kernel: str = "forked") -> str:
    """Everything that the notebook shows when it is executed in its own folder, as Jupyter does."""
    monkeypatch.setenv("PERENNIAL_CONFIG", str(config))
    monkeypatch.setenv("JUPYTER_PATH", str(once("jupyter", _make_kernel)))
    notebook = _read(ROOT / "notebooks" / f"{name}.ipynb")
    folder = {"metadata": {"path": str(ROOT / "notebooks")}}
    import nbclient

    client = nbclient.NotebookClient(notebook, timeout=_CELL_SECONDS, kernel_name=kernel, resources=folder)
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    return "\n".join(output.data.get("text/html", "") for output in outputs if "data" in output)


def _make_kernel(folder: Path) -> None:
    """Jupyter's own kernel of Python, in a fork of a process that has imported the libraries."""
    spec = folder / "kernels" / "forked" / "kernel.json"
    spec.parent.mkdir(parents=True)
    command = [forked.python(), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": command, "display_name": "forked", "language": "python"}))


@pytest.mark.e2e
def test_pages_of_the_runs_say_what_became_of_them(shop: Shop) -> None:
    pages = [(shop.home / "reports" / f"{number}.html").read_text() for number in (1, 2, 3)]
    for page, version in zip(pages, shop.versions, strict=False):
        assert f"<h1>Pushed as version {version.name}</h1>" in page
    assert "<h1>Refused by the gate: floor</h1>" in pages[2]
    assert "The served model has not changed." in pages[2]


@pytest.mark.e2e
def test_inspect_runs_shows_all_runs_why_one_was_refused_and_lineage(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = _shown(shop.config, "inspect_runs", monkeypatch)
    description = re.search(r'aria-label="ndcg@10 by run: ([^"]*)"', shown)
    assert description is not None
    assert re.findall(r"run (\d) [\d.]+ \((\w+)\)", description[1]) == [
        ("1", "pushed"),
        ("2", "pushed"),
        ("3", "refused"),
    ]
    assert (
        shown.count("Refused by the gate: floor") == 3
    )  # among all runs, as the latest, and among those without a push
    assert "better_than_popularity" in shown
    assert "Trainer" in shown
    assert "There is one run only." not in shown


@pytest.mark.e2e
def test_inspect_runs_run_that_failed_is_shown_with_its_error(failed: History, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _shown(failed.config, "inspect_runs", monkeypatch)
    assert "Failed in InteractionGen" in shown
    assert "DataError: no such log" in shown


@pytest.mark.e2e
def test_explore_data_shows_cleaning_the_bad_row_and_statistics(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _shown(shop.config, "explore_data", monkeypatch)
    assert "Interactions left after each step: rows of the files" in shown
    assert "not,a,row" in shown
    for feature in ("user_id", "item_id", "value", "timestamp", "genres"):
        assert f"<td>{feature}</td>" in shown
    assert "Values of value:" in shown


@pytest.mark.e2e
def test_explore_data_run_that_read_nothing_stops_at_its_error(
    failed: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError) as caught:
        _shown(failed.config, "explore_data", monkeypatch)
    assert caught.value.ename == "LookupError"
    assert "run 1 has no cleaning: it ended before" in caught.value.evalue
    assert "InteractionGen: DataError: no such log" in caught.value.evalue


@pytest.mark.e2e
def test_explore_embeddings_shows_the_map_neighbours_and_what_moved(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = _shown(shop.config, "explore_embeddings", monkeypatch)
    assert f"{ITEMS} items in 16 dimensions, version {shop.versions[-1].name}" in shown
    assert f"A map of {ITEMS} items" in shown
    assert "Five nearest items" in shown
    (moved,) = re.findall(r"<table><caption>Moved most since the version before</caption>.*?</table>", shown)
    assert "Jaccard@10" in moved
    assert moved.count("<tr>") == 1 + 15
    least = re.search(r"<td class='number'>([\d.]+)</td></tr>", moved)
    assert least is not None
    assert float(least[1]) < 1


@pytest.mark.e2e
def test_query_model_shows_the_answers(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _shown(shop.config, "query_model", monkeypatch, kernel="python3")  # the one that people use
    for signature in SIGNATURES:
        assert f"<td>{signature}</td>" in shown
    assert shown.count(f">{ITEMS}</td>") == 5  # the size of the catalogue, in each row of a page
    assert "<td>False</td>" in shown  # the item that nobody knows
    assert shown.count("<table>") == 1 + len(SIGNATURES)
