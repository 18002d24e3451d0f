"""Writes what a later run compares its data with, and reads it from the model that learned from that data."""

import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow as tf
from google.protobuf import message
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio

from common.errors import DriftError, OutputError
from documents.data_gate import DataGateReport
from pipeline.drift import facts
from pipeline.drift.facts import DataFacts
from pipeline.ground.layout import STATISTICS_FILE
from pipeline.ground.output import write_bytes

SAMPLES_FILE = "samples.npz"

SPLITS = (("interactions", "train"), ("interactions", "eval"), ("catalogue", "train"))

DataStatistics = Mapping[tuple[str, str], statistics_pb2.DatasetFeatureStatisticsList]
"""By (data, split)."""


@dataclass(frozen=True)
class Remembered:
    """What is kept of a run's data for a later run."""

    statistics: DataStatistics
    facts: DataFacts


def write(uri: str, report: DataGateReport, remembered: Remembered) -> None:
    """Writes the blessing; `gate.json` is written last.

    Args:
        uri: The artifact's folder.
        report: What was checked.
        remembered: What a later run compares its data with.
    """
    for (data, split), statistics in remembered.statistics.items():
        write_bytes(_statistics_file(uri, data, split), statistics.SerializeToString(), uri)
    write_bytes(os.path.join(uri, SAMPLES_FILE), facts.to_bytes(remembered.facts.samples), uri)
    report.write(uri)


def read(uri: str) -> Remembered | None:
    """Reads a blessing.

    Args:
        uri: The folder to which the trainer has copied it.

    Returns:
        What was kept of the data; None if there is no such folder: the trainer copies it whole or not at all.

    Raises:
        DriftError: The folder exists but cannot be read, or is damaged, so that the data cannot be compared.
    """
    try:
        return _read(uri)
    except (FileNotFoundError, tf.errors.NotFoundError) as e:
        if not fileio.exists(uri):
            return None
        what, cause = "is damaged: a file is missing", e
    except (OSError, tf.errors.OpError) as e:
        what, cause = "cannot be read", e
    except OutputError as e:
        what, cause = "cannot be used", e
    except _DAMAGES as e:
        what, cause = "is damaged", e
    raise DriftError(
        f"DataGate stopped the run: the record of the data that the last blessed model learned from {what} "
        f"({type(cause).__name__}: {cause}), so today's data cannot be compared with it.\nIt is {uri}; the served "
        "model has not changed.\nMake it readable and run again. If it is lost, roll back to an older model with "
        "`perennial versions rollback` (on Vertex: `perennial vertex versions rollback`): the next run then compares "
        "with that model's data. Or delete the folder: the next run then does not compare."
    ) from cause


_DAMAGES = (
    KeyError,
    ValueError,
    EOFError,
    RuntimeError,
    zlib.error,
    zipfile.BadZipFile,
    message.DecodeError,
)
"""The errors that the readers of NumPy's archives and of protos raise if the bytes are damaged."""


def _read(uri: str) -> Remembered:
    report = DataGateReport.find(uri, to_do="")
    if report is None:
        raise FileNotFoundError(os.path.join(uri, DataGateReport.FILE))
    with fileio.open(os.path.join(uri, SAMPLES_FILE), "rb") as file:
        samples = facts.from_bytes(file.read())
    statistics = {(data, split): read_statistics(_statistics_file(uri, data, split)) for data, split in SPLITS}
    return Remembered(statistics, DataFacts(report.counts, samples))


def read_statistics(path: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Reads the statistics that StatisticsGen has written for a split."""
    with fileio.open(path, "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())


def _statistics_file(uri: str, data: str, split: str) -> str:
    # As in StatisticsGen's output, each file is in a folder `Split-<split>`.
    return os.path.join(uri, "statistics", data, f"Split-{split}", STATISTICS_FILE)
