"""RunReport's executor: reads the artifacts of the run and writes the page."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from tfx import types
from tfx.types import standard_artifacts

from common.atomicity import write_text
from pipeline.ground import artifacts
from pipeline.ground.node import NodeExecutor
from pipeline.report.facts import PARTS, Part, read_facts
from pipeline.report.page import build_page

REPORT_FILE = "report.html"


@dataclass(frozen=True)
class Inputs:
    """All that the page shows; the names are those of `pipeline.report.facts.PARTS`."""

    interactions: standard_artifacts.Examples | None
    catalogue: standard_artifacts.Examples | None
    interaction_anomalies: standard_artifacts.ExampleAnomalies | None
    catalogue_anomalies: standard_artifacts.ExampleAnomalies | None
    data_blessing: artifacts.DataBlessing
    """Not optional: because of its type, Vertex finds the type of the page, see `ground.artifacts`."""

    model: standard_artifacts.Model | None
    model_run: standard_artifacts.ModelRun | None
    comparison: standard_artifacts.ModelEvaluation | None
    retraining: artifacts.RetrainingDecision | None
    evaluation: standard_artifacts.ModelEvaluation
    blessing: standard_artifacts.ModelBlessing
    infra_blessing: standard_artifacts.InfraBlessing | None
    pushed_model: standard_artifacts.PushedModel | None


@dataclass(frozen=True)
class Outputs:
    """The page."""

    report: artifacts.RunReportPage


@dataclass(frozen=True)
class Parameters:
    """The name of the pipeline that the page shows."""

    pipeline_name: str


class Executor(NodeExecutor[Inputs, Outputs, Parameters]):
    """Writes `report.html`; the artifact's URI becomes that of the file, because user interfaces open the URI."""

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Builds the page from the artifacts and writes it; a part whose artifact is missing is left out.

        Args:
            inputs: What the page shows.
            outputs: Where the page is written.
            parameters: The pipeline's name.
        """
        parts = {name: _part(artifact) for name in PARTS if (artifact := getattr(inputs, name)) is not None}
        report = outputs.report
        # On this machine, artifacts are in <root>/<node>/<key>/<execution>.
        root = None if "://" in report.uri else Path(os.path.normpath(os.path.join(report.uri, "../../..")))
        page = build_page(read_facts(parameters.pipeline_name, parts), root)
        path = os.path.join(report.uri, REPORT_FILE)
        write_text(path, page)
        report.uri = path
        logging.getLogger("perennial.report").info("wrote %s, %.0f KiB", REPORT_FILE, len(page) / 1024)


def _part(artifact: types.Artifact) -> Part:
    names = artifact.mlmd_artifact.custom_properties
    return Part(artifact.uri, {name: artifact.get_custom_property(name) for name in names})
