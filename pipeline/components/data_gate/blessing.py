"""What DataGate leaves of a run's data, and how a later run reads it from the model that learned from that data."""

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from google.protobuf import message
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio

from pipeline.components.data_gate import facts
from pipeline.components.data_gate.facts import Facts
from pipeline.components.tabular import files

REPORT_FILE = "gate.json"
SAMPLES_FILE = "samples.npz"
STATISTICS_FILE = "FeatureStats.pb"
"""As StatisticsGen calls it, in folders `Split-<split>` as it has them, under `statistics/<data>`."""

SPLITS = (("interactions", "train"), ("interactions", "eval"), ("catalogue", "train"))

Statistics = Mapping[tuple[str, str], statistics_pb2.DatasetFeatureStatisticsList]
"""By (data, split)."""


@dataclass(frozen=True)
class Remembered:
    """A run's data, as a later run sees it."""

    statistics: Statistics
    facts: Facts


def write(uri: str, report: dict[str, Any], remembered: Remembered) -> None:
    """Writes the blessing; `gate.json` comes last.

    Args:
        uri: The artifact's folder.
        report: `gate.json`.
        remembered: What a later run compares with.
    """
    for (data, split), statistics in remembered.statistics.items():
        files.write_bytes(_statistics_file(uri, data, split), statistics.SerializeToString(), uri)
    files.write_bytes(os.path.join(uri, SAMPLES_FILE), facts.to_bytes(remembered.facts.samples), uri)
    files.write_bytes(os.path.join(uri, REPORT_FILE), (json.dumps(report, indent=2) + "\n").encode(), uri)


def read(uri: str) -> Remembered | str:
    """Reads a blessing.

    Args:
        uri: Where a trainer has copied it to.

    Returns:
        What was remembered; or why it cannot be read.
    """
    try:
        with fileio.open(os.path.join(uri, REPORT_FILE), "r") as file:
            counts = json.loads(file.read())["counts"]
        with fileio.open(os.path.join(uri, SAMPLES_FILE), "rb") as file:
            samples = facts.from_bytes(file.read())
        statistics = {(data, split): read_statistics(_statistics_file(uri, data, split)) for data, split in SPLITS}
        missing = [name for name in (*facts.COUNTS, "events_per_day") if name not in counts]
        if missing:
            return f"the last blessed model's data has no counts of {', '.join(missing)}"
    except (OSError, tf.errors.NotFoundError):
        return "the last blessed model has no word on the data that it learned from"
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile, message.DecodeError) as e:
        return f"the last blessed model's word on its data is damaged: {type(e).__name__}: {e}"
    return Remembered(statistics, Facts(counts, samples))


def read_statistics(path: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Reads what StatisticsGen has written of a split."""
    with fileio.open(path, "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())


def _statistics_file(uri: str, data: str, split: str) -> str:
    return os.path.join(uri, "statistics", data, f"Split-{split}", STATISTICS_FILE)
