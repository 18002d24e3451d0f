"""Files of this machine, written whole or not at all; without TensorFlow, for which commands would wait."""

import json
import os
import uuid
from pathlib import Path
from typing import Any


def write_text(file: Path, text: str) -> None:
    """Writes a text under a temporary name and renames it.

    Args:
        file: Where to; its folder is made.
        text: What to write.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{uuid.uuid4().hex}.tmp")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, file)


def write_json(file: Path, value: Any) -> None:
    """Writes JSON, see `write_text`.

    Args:
        file: Where to.
        value: JSON values.
    """
    write_text(file, json.dumps(value, indent=1, sort_keys=True) + "\n")
