"""DataGate on anomalies that TFDV itself found."""

import json
from pathlib import Path

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx.types import artifact_utils, standard_artifacts

from configs.errors import AnomalyError, ConfigError
from pipeline.artifacts import DataBlessing
from pipeline.components.data_gate import executor


def _anomalies(folder: Path, reports: dict[str, anomalies_pb2.Anomalies]) -> standard_artifacts.ExampleAnomalies:
    artifact = standard_artifacts.ExampleAnomalies()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(list(reports))
    for split, report in reports.items():
        path = folder / f"Split-{split}"
        path.mkdir(parents=True)
        (path / executor.DEFAULT_FILE_NAME).write_bytes(report.SerializeToString())
    return artifact


def _missing_users() -> anomalies_pb2.Anomalies:
    """What TFDV says of Examples without the user that the schema asks for."""
    import tensorflow_data_validation as tfdv

    schema = schema_pb2.Schema(
        feature=[
            schema_pb2.Feature(name="user_id", type=schema_pb2.BYTES, presence=schema_pb2.FeaturePresence(min_count=1))
        ]
    )
    statistics = statistics_pb2.DatasetFeatureStatisticsList(
        datasets=[statistics_pb2.DatasetFeatureStatistics(num_examples=10)]
    )
    return tfdv.validate_statistics(statistics, schema)


def _run(tmp_path: Path, interactions: anomalies_pb2.Anomalies, ignore: list[str]) -> Path:
    blessing = DataBlessing()
    blessing.uri = str(tmp_path / "blessing")
    executor.Executor().Do(
        {
            "interaction_anomalies": [
                _anomalies(tmp_path / "i", {"train": anomalies_pb2.Anomalies(), "eval": interactions})
            ],
            "catalogue_anomalies": [_anomalies(tmp_path / "c", {"train": anomalies_pb2.Anomalies()})],
        },
        {"blessing": [blessing]},
        {"ignore_anomalies": json.dumps(ignore)},
    )
    return tmp_path / "blessing" / executor.REPORT_FILE


def test_do_no_anomalies_blessed(tmp_path: Path) -> None:
    report = json.loads(_run(tmp_path, anomalies_pb2.Anomalies(), []).read_text())
    assert report == {"checked": ["interactions/train", "interactions/eval", "catalogue/train"], "ignored": []}


def test_do_missing_feature_stops_and_names_split_and_feature(tmp_path: Path) -> None:
    with pytest.raises(
        AnomalyError, match=r"interactions/eval user_id: SCHEMA_MISSING_COLUMN|interactions/eval user_id"
    ):
        _run(tmp_path, _missing_users(), [])
    assert not (tmp_path / "blessing").exists()


def test_do_ignored_anomaly_blessed_and_written_down(tmp_path: Path) -> None:
    found = executor.findings({("interactions", "eval"): _missing_users()}, frozenset())
    report = json.loads(_run(tmp_path, _missing_users(), [found[0].anomaly]).read_text())
    assert [(f["split"], f["feature"], f["ignored"]) for f in report["ignored"]] == [("eval", "user_id", True)]


def test_do_split_without_data_stops(tmp_path: Path) -> None:
    with pytest.raises(AnomalyError, match=r"interactions/eval .*DATA_MISSING"):
        _run(tmp_path, anomalies_pb2.Anomalies(data_missing=True), ["SCHEMA_NEW_COLUMN"])


def test_do_unknown_name_to_ignore_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such anomaly: \\['TYPO'\\]"):
        _run(tmp_path, anomalies_pb2.Anomalies(), ["TYPO"])
