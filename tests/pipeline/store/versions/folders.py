"""Makes small folders that look like SavedModels when they are copied, and reads a serving folder independently."""

from pathlib import Path

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


def served(serving: Path) -> dict[int, str]:
    """The model under each version number."""
    numbers = sorted(int(path.name) for path in serving.iterdir() if path.name.isdigit())
    return {n: (serving / str(n) / "saved_model.pb").read_text().removeprefix("graph of ") for n in numbers}


def hidden(serving: Path) -> list[str]:
    """Names in the serving folder that are not numbers."""
    return sorted(path.name for path in serving.iterdir() if not path.name.isdigit())
