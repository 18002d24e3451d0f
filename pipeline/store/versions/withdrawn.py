"""Models that a rollback took out of service: their digests, in a file of the serving folder.

A model whose digest is here is not pushed again, even if it is evaluated and blessed anew; only a rollback that names
one of its versions brings it back. The file is small, hidden, and replaced whole.
"""

import json
import posixpath
from typing import Any

from common.atomicity import write_text
from pipeline.store.versions.json_files import JsonFile, read_json

WITHDRAWN_FILE = ".withdrawn.json"


class _Model(JsonFile):
    version: int
    at: str


class _Withdrawn(JsonFile):
    models: dict[str, _Model]


def withdrawn(serving_dir: str) -> dict[str, dict[str, Any]]:
    """What is out of service.

    Args:
        serving_dir: The serving folder, local or remote.

    Returns:
        By model digest: `version`, the newest number it had, and `at`, when it was withdrawn, ISO 8601.

    Raises:
        OutputError: The file is damaged.
    """
    found = read_json(
        posixpath.join(serving_dir, WITHDRAWN_FILE),
        _Withdrawn,
        "It says which models a rollback took out of service: mend it, or remove it and roll back once more.",
    )
    models: dict[str, dict[str, Any]] = found.get("models", {})
    return models


def write_withdrawn(serving_dir: str, models: dict[str, dict[str, Any]]) -> None:
    """Replaces the file.

    Args:
        serving_dir: The serving folder, local or remote.
        models: As `withdrawn` returns them.
    """
    path = posixpath.join(serving_dir, WITHDRAWN_FILE)
    text = json.dumps({"schema_version": 1, "models": models}, indent=2, sort_keys=True) + "\n"
    write_text(path, text, durable=True)
