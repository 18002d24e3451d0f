"""RunReport's executor: reads what the channels hold and writes the page."""

import logging
import os
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from pipeline.report.facts import PARTS, Part, read_facts
from pipeline.report.page import build_page

PIPELINE_NAME_KEY = "pipeline_name"
CODE_DIGEST_KEY = "code_digest"
REPORT_KEY = "report"
REPORT_FILE = "report.html"


class Executor(base_executor.BaseExecutor):
    """Writes `report.html`; the artifact's URI becomes the file's, which is what user interfaces open."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Builds the page.

        Args:
            input_dict: Parts of `pipeline.report.facts.PARTS`; optional ones may be missing or empty.
            output_dict: `report`.
            exec_properties: `pipeline_name`.
        """
        parts = {name: _part(input_dict[name][-1]) for name in PARTS if input_dict.get(name)}
        report = artifact_utils.get_single_instance(output_dict[REPORT_KEY])
        # On this machine, artifacts lie in <root>/<node>/<key>/<execution>.
        root = None if "://" in report.uri else Path(os.path.normpath(os.path.join(report.uri, "../../..")))
        page = build_page(read_facts(exec_properties[PIPELINE_NAME_KEY], parts), root)
        fileio.makedirs(report.uri)
        path = os.path.join(report.uri, REPORT_FILE)
        with fileio.open(f"{path}.tmp", "w") as file:
            file.write(page)
        fileio.rename(f"{path}.tmp", path, overwrite=True)
        report.uri = path
        logging.getLogger("perennial.report").info("wrote %s, %.0f KiB", REPORT_FILE, len(page) / 1024)


def _part(artifact: types.Artifact) -> Part:
    names = artifact.mlmd_artifact.custom_properties
    return Part(artifact.uri, {name: artifact.get_custom_property(name) for name in names})
