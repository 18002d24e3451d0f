"""DataGate's executor: reads the anomalies and the last blessed model's data, then writes a blessing or fails."""

import dataclasses
import logging
import os

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils

from common.errors import DataError, DriftError
from configs.data_gate import DataGateSettings
from documents.catalogue import CatalogueReport
from documents.cleaning import CleaningReport
from documents.data_gate import DataGateReport, DriftCheck
from pipeline.components.data_gate import anomalies
from pipeline.components.data_gate.filled import filled_checks
from pipeline.components.data_gate.outliers import outlier_checks
from pipeline.drift import blessing, distributions, facts
from pipeline.drift.blessing import Remembered
from pipeline.drift.checks import failures_text
from pipeline.ground.anomalies import findings
from pipeline.ground.artifacts import DataBlessing
from pipeline.ground.layout import ANOMALIES_FILE, DATA_FOLDER, STATISTICS_FILE
from pipeline.ground.node import NodeExecutor
from pipeline.ground.output import all_or_nothing

DATA = {"interactions": "interaction", "catalogue": "catalogue"}
"""Data set to the beginning of its channels' names: `<…>_statistics`, `<…>_schema`, `<…>_anomalies`."""

_LOGGER = logging.getLogger("perennial.data_gate")


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Both data sets, their statistics and anomalies, and the model with whose data they are compared."""

    interactions: standard_artifacts.Examples
    interaction_statistics: standard_artifacts.ExampleStatistics
    interaction_schema: standard_artifacts.Schema
    """Its drift and skew comparators take precedence over the config's limits."""

    interaction_anomalies: standard_artifacts.ExampleAnomalies
    catalogue: standard_artifacts.Examples
    catalogue_statistics: standard_artifacts.ExampleStatistics
    catalogue_schema: standard_artifacts.Schema
    catalogue_anomalies: standard_artifacts.ExampleAnomalies
    last_model: standard_artifacts.Model | None


@dataclasses.dataclass(frozen=True)
class Outputs:
    """The blessing that the trainer waits for."""

    blessing: DataBlessing


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The limits."""

    settings: DataGateSettings


class Executor(NodeExecutor[Inputs, Outputs, Parameters]):
    """Fails with an AnomalyError or a DriftError, or writes the blessing."""

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Decides whether a model may be trained on the run's data, and writes the blessing.

        The blessing holds what a later run compares its own data with.

        Args:
            inputs: Both data sets, and the last blessed model.
            outputs: Where the blessing is written.
            parameters: The limits.

        Raises:
            AnomalyError: There are anomalies that the config does not ignore.
            DriftError: The data is too far from the last blessed model's data, or the record of that cannot be read.
        """
        settings = parameters.settings
        reports = _anomalies(inputs)
        found = findings(reports, frozenset(settings.ignore_anomalies))
        anomalies.require_none(found)
        for finding in found:
            _LOGGER.warning("ignored: %s of %s/%s %s", finding.anomaly, finding.data, finding.split, finding.feature)
        cleaning = CleaningReport.read(inputs.interactions.uri, DataError)
        today = _remember(inputs, cleaning)
        last = _last(inputs.last_model)
        checks = outlier_checks(cleaning.outliers, settings)
        if not isinstance(last, str):
            checks += _compare(today, last, inputs, settings)
        uri = inputs.last_model.uri if inputs.last_model else None
        failed = [check for check in checks if not check.passed]
        if failed:
            raise DriftError(failures_text(failed, len(checks), None if isinstance(last, str) else uri))
        if isinstance(last, str):
            _LOGGER.info("not compared: %s", last)
        else:
            _LOGGER.info("compared with the last blessed model's data: %d checks pass", len(checks))
        report = DataGateReport(
            checked=tuple(f"{data}/{split}" for data, split in reports),
            ignored=tuple(found),
            checks=tuple(checks),
            counts=today.facts.counts,
            compared_with=None if isinstance(last, str) else uri,
            not_compared_because=last if isinstance(last, str) else None,
        )
        with all_or_nothing(outputs.blessing.uri):
            blessing.write(outputs.blessing.uri, report, today)


def _anomalies(inputs: Inputs) -> dict[tuple[str, str], anomalies_pb2.Anomalies]:
    reports = {}
    for data in DATA:
        artifact = _artifact(inputs, data, "anomalies")
        for split in artifact_utils.decode_split_names(artifact.split_names):
            path = os.path.join(artifact_utils.get_split_uri([artifact], split), ANOMALIES_FILE)
            with fileio.open(path, "rb") as file:
                reports[data, split] = anomalies_pb2.Anomalies.FromString(file.read())
    return reports


def _remember(inputs: Inputs, cleaning: CleaningReport) -> Remembered:
    statistics = {
        (data, split): blessing.read_statistics(
            os.path.join(artifact_utils.get_split_uri([_artifact(inputs, data, "statistics")], split), STATISTICS_FILE)
        )
        for data, split in blessing.SPLITS
    }
    interactions, catalogue = inputs.interactions.uri, inputs.catalogue.uri
    catalogue_report = CatalogueReport.read(catalogue, DataError)
    return Remembered(statistics, facts.gather(interactions, cleaning, catalogue, catalogue_report))


def _last(model: types.Artifact | None) -> Remembered | str:
    """Reads what the last model learned from; returns a string with the reason if there is nothing to compare with."""
    if model is None:
        return "there is no blessed model yet"
    last = blessing.read(os.path.join(model.uri, DATA_FOLDER))
    return last or "the last blessed model has no record of the data that it learned from"


def _compare(today: Remembered, last: Remembered, inputs: Inputs, settings: DataGateSettings) -> list[DriftCheck]:
    checks = []
    for data, compare in (
        ("interactions", distributions.interaction_checks),
        ("catalogue", distributions.catalogue_checks),
    ):
        now, then = (
            {split: statistics for (name, split), statistics in run.statistics.items() if name == data}
            for run in (today, last)
        )
        checks += compare(now, then, _schema(_artifact(inputs, data, "schema")), settings)
    return [
        *checks,
        *facts.growth_checks(today.facts, last.facts, settings),
        *filled_checks(today.facts.counts.filled, last.facts.counts.filled, settings),
    ]


def _artifact(inputs: Inputs, data: str, what: str) -> types.Artifact:
    return getattr(inputs, f"{DATA[data]}_{what}")


def _schema(artifact: types.Artifact) -> schema_pb2.Schema:
    path = io_utils.get_only_uri_in_dir(artifact.uri)
    return io_utils.parse_pbtxt_file(path, schema_pb2.Schema())
