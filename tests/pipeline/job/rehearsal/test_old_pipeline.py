"""A pipeline of the old kind, a Channel in `custom_config`: it must fail here as it does on Vertex, and say why."""

import textwrap
from pathlib import Path

import pytest
from rich.console import Console
from tfx.components import CsvExampleGen, Trainer
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2

from pipeline.ground.image import ENVIRONMENT
from pipeline.job.compiled import read_job
from pipeline.job.lint import CHANNEL_IN_CUSTOM_CONFIG
from pipeline.job.rehearsal.rehearse import rehearse

pytestmark = pytest.mark.e2e

TRAINER = """
def run_fn(fn_args):
    catalogue = fn_args.custom_config["catalogue"]
    print("the catalogue is in", catalogue.get()[0].uri)
"""


def test_rehearse_channel_in_custom_config_fails_with_an_index_error_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "old_trainer.py").write_text(textwrap.dedent(TRAINER))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "books.csv").write_text("book,title\n1,Emma\n2,Persuasion\n")
    books = CsvExampleGen(input_base="gs://bucket/data")
    trainer = Trainer(
        examples=books.outputs["examples"],
        run_fn="old_trainer.run_fn",
        train_args=trainer_pb2.TrainArgs(),
        eval_args=trainer_pb2.EvalArgs(),
        custom_config={"catalogue": books.outputs["examples"]},
    )
    KubeflowV2DagRunner(
        config=KubeflowV2DagRunnerConfig(default_image="image"),
        output_dir=str(tmp_path),
        output_filename="old.json",
    ).run(Pipeline("old", "gs://bucket/root", components=[books, trainer]))

    with (tmp_path / "shown.txt").open("w") as shown:
        outcome = rehearse(
            read_job(tmp_path / "old.json"),
            tmp_path / "home",
            places={"gs://bucket/data": tmp_path / "data"},
            environment={**ENVIRONMENT, "PYTHONPATH": str(tmp_path / "image")},
            console=Console(file=shown, width=200),
        )
    assert [record.task for record in outcome.failed] == ["Trainer"]
    assert outcome.records["CsvExampleGen"].state == "succeeded"
    text = (tmp_path / "shown.txt").read_text()
    assert "IndexError" in text
    assert CHANNEL_IN_CUSTOM_CONFIG in text
