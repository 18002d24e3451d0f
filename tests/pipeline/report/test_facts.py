from pathlib import Path

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2

from pipeline.ground.layout import ANOMALIES_FILE
from pipeline.report.facts import Part, parts_of_run, read_facts
from tests.pipeline.report import worlds


def test_read_facts_documents_are_those_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "cleaning.json").write_text(worlds.CLEANING.to_json())
    (tmp_path / "metrics.json").write_text(worlds.TRAINING.to_json())
    facts = read_facts("shop", {"interactions": Part(str(tmp_path)), "model_run": Part(str(tmp_path))})
    assert facts.cleaning == worlds.CLEANING
    assert facts.training == worlds.TRAINING
    assert facts.evaluation is None
    assert facts.anomalies is None


def test_read_facts_broken_or_missing_file_is_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cleaning.json").write_text('{"rows": 1')
    facts = read_facts("shop", {"interactions": Part(str(tmp_path)), "model_run": Part(str(tmp_path / "gone"))})
    assert facts.cleaning is None
    assert facts.training is None
    assert f"The report leaves out a document. {tmp_path}/cleaning.json is damaged: " in caplog.text


@pytest.mark.fault
def test_read_facts_file_that_cannot_be_opened_is_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cleaning.json").mkdir()
    (tmp_path / "metrics.json").write_text(worlds.TRAINING.to_json())
    (tmp_path / "Split-train" / "SchemaDiff.pb").mkdir(parents=True)
    (tmp_path / "file").write_text("no folder")
    parts = {"interactions": "", "model_run": "", "interaction_anomalies": "", "catalogue_anomalies": "file"}
    facts = read_facts("shop", {name: Part(str(tmp_path / end)) for name, end in parts.items()})
    assert (facts.cleaning, facts.training) == (None, worlds.TRAINING)
    assert facts.anomalies == ()
    assert "The report leaves out a document. " in caplog.text
    assert "anomalies of interactions/train cannot be read" in caplog.text
    assert "anomalies of catalogue cannot be read" in caplog.text


def test_read_facts_anomalies_of_every_split(tmp_path: Path) -> None:
    for split, kind in (("train", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"), ("eval", None)):
        report = anomalies_pb2.Anomalies()
        if kind:
            report.anomaly_info["value"].reason.add(type=kind, description="new words")
        else:
            report.data_missing = True
        (tmp_path / f"Split-{split}").mkdir()
        (tmp_path / f"Split-{split}" / ANOMALIES_FILE).write_bytes(report.SerializeToString())
    assert read_facts("shop", {"interaction_anomalies": Part(str(tmp_path))}).anomalies == (
        worlds.anomaly("eval", "", "DATA_MISSING", "the split holds no Examples"),
        worlds.anomaly("train", "value", "ENUM_TYPE_UNEXPECTED_STRING_VALUES", "new words"),
    )


def test_parts_of_run_failed_run_has_those_before_the_failure() -> None:
    parts = parts_of_run(worlds.run(failed="DataGate"))
    assert set(parts) == {"interactions", "catalogue", "interaction_anomalies", "catalogue_anomalies"}
    assert parts["interactions"].uri.startswith("gs://bucket/InteractionGen/examples/")
