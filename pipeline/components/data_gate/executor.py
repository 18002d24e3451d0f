"""DataGate's executor: reads the anomalies and the last blessed model's data, decides, writes the word or fails."""

import dataclasses
import json
import logging
import os
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

from common.errors import DriftError
from configs.data_gate import DataGate
from pipeline.components.catalogue_gen.executor import REPORT_FILE as CATALOGUE_REPORT_FILE
from pipeline.components.data_gate import anomalies, blessing, drift, facts
from pipeline.components.data_gate.blessing import Remembered
from pipeline.components.data_gate.checks import Check, failures_text
from pipeline.components.interaction_gen.executor import REPORT_FILE as CLEANING_REPORT_FILE
from pipeline.components.two_tower_trainer.executor import DATA_FOLDER
from pipeline.ground.output import all_or_nothing
from pipeline.ground.presence import present

DATA = {"interactions": "interaction", "catalogue": "catalogue"}
"""What is looked at, and how its channels begin: `<…>_statistics`, `<…>_schema`, `<…>_anomalies`."""

LAST_MODEL_KEY = "last_model"
SETTINGS_KEY = "settings"
CODE_DIGEST_KEY = "code_digest"
BLESSING_KEY = "blessing"

_LOGGER = logging.getLogger("perennial.data_gate")

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Fails with an AnomalyError or a DriftError, or writes the blessing."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Decides.

        Args:
            input_dict: Examples `interactions` and `catalogue`, of each the statistics, schema and anomalies; and
                `last_model`, the last blessed model, if there is one.
            output_dict: `blessing`.
            exec_properties: `settings`, the config's section as JSON.

        Raises:
            AnomalyError: Anomalies stand that are not ignored.
            DriftError: The data is too far from the last blessed model's, or the record of that cannot be read.
        """
        settings = DataGate.model_validate_json(exec_properties[SETTINGS_KEY])
        input_dict = present(input_dict)
        reports = _anomalies(input_dict)
        found = anomalies.findings(reports, frozenset(settings.ignore_anomalies))
        anomalies.require_none(found)
        for finding in found:
            _LOGGER.warning("ignored: %s of %s/%s %s", finding.anomaly, finding.data, finding.split, finding.feature)
        today = _remember(input_dict)
        last = _last(input_dict)
        checks = [] if isinstance(last, str) else _compare(today, last, input_dict, settings)
        last_model = input_dict.get(LAST_MODEL_KEY)
        uri = last_model[0].uri if last_model else None
        failed = [check for check in checks if not check.passed]
        if failed:
            raise DriftError(failures_text(failed, len(checks), str(uri)))
        if isinstance(last, str):
            _LOGGER.info("not compared: %s", last)
        else:
            _LOGGER.info("compared with the last blessed model's data: %d checks pass", len(checks))
        report = {
            "checked": [f"{data}/{split}" for data, split in reports],
            "ignored": [finding._asdict() for finding in found],
            "checks": [dataclasses.asdict(check) for check in checks],
            "counts": today.facts.counts,
            "compared_with": None if isinstance(last, str) else uri,
            "not_compared_because": last if isinstance(last, str) else None,
        }
        output = artifact_utils.get_single_uri(output_dict[BLESSING_KEY])
        with all_or_nothing(output):
            blessing.write(output, report, today)


def _anomalies(input_dict: Artifacts) -> dict[tuple[str, str], anomalies_pb2.Anomalies]:
    reports = {}
    for data, begins in DATA.items():
        artifact = artifact_utils.get_single_instance(input_dict[f"{begins}_anomalies"])
        for split in artifact_utils.decode_split_names(artifact.split_names):
            path = os.path.join(artifact_utils.get_split_uri([artifact], split), DEFAULT_FILE_NAME)
            with fileio.open(path, "rb") as file:
                reports[data, split] = anomalies_pb2.Anomalies.FromString(file.read())
    return reports


def _remember(input_dict: Artifacts) -> Remembered:
    statistics = {
        (data, split): blessing.read_statistics(
            os.path.join(
                artifact_utils.get_split_uri(input_dict[f"{DATA[data]}_statistics"], split), blessing.STATISTICS_FILE
            )
        )
        for data, split in blessing.SPLITS
    }
    interactions = artifact_utils.get_single_uri(input_dict["interactions"])
    catalogue = artifact_utils.get_single_uri(input_dict["catalogue"])
    cleaning_report = _json(os.path.join(interactions, CLEANING_REPORT_FILE))
    catalogue_report = _json(os.path.join(catalogue, CATALOGUE_REPORT_FILE))
    return Remembered(statistics, facts.gather(interactions, cleaning_report, catalogue, catalogue_report))


def _last(input_dict: Artifacts) -> Remembered | str:
    models = input_dict.get(LAST_MODEL_KEY)
    if not models:
        return "there is no blessed model yet"
    last = blessing.read(os.path.join(artifact_utils.get_single_uri(models), DATA_FOLDER))
    return last or "the last blessed model has no word on the data that it learned from"


def _compare(today: Remembered, last: Remembered, input_dict: Artifacts, settings: DataGate) -> list[Check]:
    checks = []
    for data, compare in (("interactions", drift.interaction_checks), ("catalogue", drift.catalogue_checks)):
        now, then = (
            {split: of for (of_data, split), of in run.statistics.items() if of_data == data} for run in (today, last)
        )
        checks += compare(now, then, _schema(input_dict[f"{DATA[data]}_schema"]), settings)
    return [*checks, *facts.growth_checks(today.facts, last.facts, settings)]


def _schema(artifacts: list[types.Artifact]) -> schema_pb2.Schema:
    path = io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(artifacts))
    return io_utils.parse_pbtxt_file(path, schema_pb2.Schema())


def _json(path: str) -> Any:
    with fileio.open(path, "r") as file:
        return json.loads(file.read())
