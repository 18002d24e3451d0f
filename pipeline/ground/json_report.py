"""What a component writes down beside its artifact, for people and for the run's page."""

import json
import os
from typing import Any

from tfx.dsl.io import fileio


def write_json_report(folder: str, name: str, report: dict[str, Any]) -> None:
    """Writes a JSON file whole or not at all.

    Args:
        folder: The artifact's, local or remote; made if need be.
        name: The file's.
        report: JSON values.
    """
    fileio.makedirs(folder)
    path = os.path.join(folder, name)
    with fileio.open(f"{path}.tmp", "w") as file:
        file.write(json.dumps(report, indent=2) + "\n")
    fileio.rename(f"{path}.tmp", path, overwrite=True)
