"""Makes small folders that look like SavedModels when they are copied, and reads a serving folder independently."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from documents.service_data import Histories
from pipeline.components.interaction_gen.newest import history_schema
from tests.documents.samples import SERVICE_DATA

SERVICE = Path("assets.extra", "service")
PROVENANCE = '{"metrics": {"model": {"ndcg@10": 0.25, "mrr": 1.0}}, "base_model": {"warm": true}}'


def make_model(folder: Path, name: str, size: int = 10) -> str:
    """Makes a folder with a model's files; another name gives another digest."""
    for path, text in {
        "saved_model.pb": f"graph of {name}",
        "variables/variables.data-00000-of-00001": name * size,
        "variables/variables.index": "index",
        "assets/user_id": "u1\nu2\n",
        "fingerprint.pb": f"random {folder}",
        "assets.extra/provenance.json": PROVENANCE,
    }.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return str(folder)


def make_service_data(
    folder: Path, titles: str = "A", users: Sequence[str] = ("ann", "bob"), blessed: bool = True
) -> str:
    """Makes a folder with a service's data, under the paths that it has in a version."""
    below = folder / SERVICE
    below.mkdir(parents=True)
    pq.write_table(pa.table({"item_id": ["1"], "title": [titles]}), below / "items.parquet")
    rows = [{"user_id": user, "item_id": ["1"], "weight": [1.0], "time": [n]} for n, user in enumerate(users)]
    # Row groups of two users.
    pq.write_table(pa.Table.from_pylist(rows, history_schema(is_timed=True)), below / "histories.parquet", 2)
    changes = {"histories": Histories(users=len(users), max_items=5)}
    decision = SERVICE_DATA.decision.model_copy(update={"blessed": blessed})
    SERVICE_DATA.model_copy(update={**changes, "decision": decision}).write(folder)
    return str(folder)


def service_data(version: Path) -> tuple[str, list[str], bool]:
    """The title, the users and the decision that stand in a version, as `make_service_data` takes them."""
    below = version / SERVICE
    document = json.loads((below / "service.json").read_text())
    users = pq.read_table(below / "histories.parquet").column("user_id").to_pylist()
    assert document["histories"]["users"] == len(users)
    title = pq.read_table(below / "items.parquet").column("title")[0].as_py()
    return title, users, document["decision"]["blessed"]


def served(serving: Path) -> dict[int, str]:
    """The model under each version number."""
    numbers = sorted(int(path.name) for path in serving.iterdir() if path.name.isdigit())
    return {n: (serving / str(n) / "saved_model.pb").read_text().removeprefix("graph of ") for n in numbers}


def hidden(serving: Path) -> list[str]:
    """Names in the serving folder that are not numbers."""
    return sorted(path.name for path in serving.iterdir() if not path.name.isdigit())
