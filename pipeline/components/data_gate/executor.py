"""DataGate's executor: reads the anomalies, decides, writes the decision or fails."""

import json
import logging
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from configs.errors import AnomalyError, ConfigError

INTERACTION_ANOMALIES_KEY = "interaction_anomalies"
CATALOGUE_ANOMALIES_KEY = "catalogue_anomalies"
IGNORE_ANOMALIES_KEY = "ignore_anomalies"
CODE_DIGEST_KEY = "code_digest"
BLESSING_KEY = "blessing"
REPORT_FILE = "gate.json"


class Finding(NamedTuple):
    """One anomaly: where it is, what TFDV calls it, and its own words."""

    data: str
    split: str
    feature: str
    anomaly: str
    description: str
    ignored: bool


def findings(
    anomalies: Mapping[tuple[str, str], anomalies_pb2.Anomalies], ignore_anomalies: frozenset[str]
) -> list[Finding]:
    """Lists what the validators found.

    Args:
        anomalies: TFDV's Anomalies of each (data, split).
        ignore_anomalies: Names of anomaly types that do not count.

    Returns:
        One finding for each reason of each feature, and one where a split had no data at all.

    Raises:
        ConfigError: An ignored name is not one of TFDV's.
    """
    names = anomalies_pb2.AnomalyInfo.Type.keys()
    unknown = sorted(ignore_anomalies - set(names))
    if unknown:
        raise ConfigError(f"data_gate.ignore_anomalies: no such anomaly: {unknown}. Allowed: {', '.join(sorted(names))}")
    found = []
    for (data, split), report in anomalies.items():
        if report.data_missing:
            found.append(Finding(data, split, "", "DATA_MISSING", "the split holds no Examples", ignored=False))
        reasons = [(name, reason) for name, info in report.anomaly_info.items() for reason in info.reason]
        reasons += [("", reason) for reason in report.dataset_anomaly_info.reason]
        for feature, reason in sorted(reasons, key=lambda pair: pair[0]):
            name = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
            found.append(Finding(data, split, feature, name, reason.description, name in ignore_anomalies))
    return found


class Executor(base_executor.BaseExecutor):
    """Fails with an AnomalyError, or writes `gate.json`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Decides.

        Args:
            input_dict: `interaction_anomalies` and `catalogue_anomalies`.
            output_dict: `blessing`.
            exec_properties: `ignore_anomalies`, a JSON list.

        Raises:
            AnomalyError: Anomalies stand that are not ignored.
        """
        reports = {}
        for data, key in (("interactions", INTERACTION_ANOMALIES_KEY), ("catalogue", CATALOGUE_ANOMALIES_KEY)):
            artifact = artifact_utils.get_single_instance(input_dict[key])
            for split in artifact_utils.decode_split_names(artifact.split_names):
                path = os.path.join(artifact_utils.get_split_uri([artifact], split), DEFAULT_FILE_NAME)
                with fileio.open(path, "rb") as file:
                    reports[data, split] = anomalies_pb2.Anomalies.FromString(file.read())
        found = findings(reports, frozenset(json.loads(exec_properties[IGNORE_ANOMALIES_KEY])))
        standing = [finding for finding in found if not finding.ignored]
        if standing:
            lines = [f"  {f.data}/{f.split} {f.feature}: {f.anomaly}: {f.description}" for f in standing]
            raise AnomalyError(
                "\n".join(
                    [
                        f"DataGate stopped the run: {len(standing)} anomaly(ies) between the data and its schema.",
                        *lines,
                        "Mend the data, or the curated schema; or name the anomaly in data_gate.ignore_anomalies.",
                    ]
                )
            )
        for finding in found:
            logging.getLogger("perennial.data_gate").warning(
                "ignored: %s of %s/%s %s", finding.anomaly, finding.data, finding.split, finding.feature
            )
        output = artifact_utils.get_single_instance(output_dict[BLESSING_KEY])
        fileio.makedirs(output.uri)
        looked_at = [f"{data}/{split}" for data, split in reports]
        report = os.path.join(output.uri, REPORT_FILE)
        with fileio.open(f"{report}.tmp", "w") as file:
            file.write(json.dumps({"checked": looked_at, "ignored": [f._asdict() for f in found]}, indent=2))
        fileio.rename(f"{report}.tmp", report)
