"""Both ExampleGens as TFX compiles them for Vertex, and as its driver fingerprints their input."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.io import fileio
from tfx.orchestration import metadata
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import data_types
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from common.errors import DataError
from configs.catalogue import CatalogueSettings
from configs.log import LogSettings
from pipeline.components.catalogue_gen.component import CatalogueGen
from pipeline.components.interaction_gen.component import InteractionGen
from pipeline.reading.driver import Driver


def _components(folder: str) -> tuple[InteractionGen, CatalogueGen]:
    interaction_gen = InteractionGen(LogSettings(), f"{folder}/log-*.csv")
    catalogue = CatalogueSettings()
    return interaction_gen, CatalogueGen(catalogue, f"{folder}/items.csv", interaction_gen.outputs["examples"])


def test_compile_both_are_file_based_example_gens_and_edge_is_kept(tmp_path: Path) -> None:
    job_file = tmp_path / "job.json"
    KubeflowV2DagRunner(config=KubeflowV2DagRunnerConfig(default_image="image"), output_filename=str(job_file)).run(
        Pipeline(pipeline_name="p", pipeline_root="gs://bucket/root", components=list(_components("gs://bucket/data")))
    )
    job = json.loads(job_file.read_text())
    spec: dict[str, Any] = job.get("pipelineSpec", job)
    for node in ("InteractionGen", "CatalogueGen"):
        container = spec["deploymentSpec"]["executors"][f"{node}_executor"]["container"]
        # The hook is TFX's driver, which fingerprints the files before the cache is asked.
        assert "file_based_example_gen.driver" in json.dumps(container["lifecycle"]["preCacheCheck"])
    task = spec["root"]["dag"]["tasks"]["CatalogueGen"]
    edge = task["inputs"]["artifacts"]["interactions"]["taskOutputArtifact"]
    assert edge == {"outputArtifactKey": "examples", "producerTask": "InteractionGen"}
    assert task["dependentTasks"] == ["InteractionGen"]
    parameters = task["inputs"]["parameters"]
    assert parameters["input_base"]["runtimeValue"]["constantValue"]["stringValue"] == "gs://bucket/data"


def _resolved(component: InteractionGen) -> Any:
    properties = {
        name: value if isinstance(value, (str, int)) else proto_utils.proto_to_json(value)
        for name, value in component.exec_properties.items()
        if value is not None
    }
    examples = standard_artifacts.Examples()
    info = data_types.ExecutionInfo(exec_properties=properties, output_dict={"examples": [examples]})
    store = metadata.Metadata(metadata.sqlite_metadata_connection_config(":memory:"))
    return Driver(store).run(info).exec_properties


def _fingerprint(component: InteractionGen) -> str:
    fingerprint: str = _resolved(component)["input_fingerprint"].string_value
    return fingerprint


def test_driver_new_data_new_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "log-1.csv").write_text("user_id,item_id\na,b\n")
    interaction_gen, _ = _components(str(tmp_path))
    before = _fingerprint(interaction_gen)
    assert _fingerprint(interaction_gen) == before
    (tmp_path / "log-2.csv").write_text("user_id,item_id\na,c\n")
    after = _fingerprint(interaction_gen)
    assert after != before
    os.utime(tmp_path / "log-2.csv", (1, 1))
    assert _fingerprint(interaction_gen) not in (before, after)


def test_driver_no_file_refused(tmp_path: Path) -> None:
    assert fileio.glob(f"{tmp_path}/log-*.csv") == []
    with pytest.raises(DataError, match=r"log-\*\.csv: no file matches\. Check the config's path"):
        _fingerprint(_components(str(tmp_path))[0])


@pytest.mark.parametrize(
    ("pattern", "folders", "newest"),
    [
        ("span-{SPAN}/log-*.jsonl.zst", ["span-9", "span-10"], "span-10/log-*.jsonl.zst"),
        ("span-{SPAN:2}/log-*.jsonl.zst", ["span-09", "span-10"], "span-10/log-*.jsonl.zst"),
        ("dt={YYYY}-{MM}-{DD}/*.jsonl.zst", ["dt=2026-09-30", "dt=2026-11-02"], "dt=2026-11-02/*.jsonl.zst"),
    ],
)
def test_driver_newest_span_is_the_input(tmp_path: Path, pattern: str, folders: list[str], newest: str) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "log-1.jsonl.zst").write_text("")
    properties = _resolved(InteractionGen(LogSettings(), f"{tmp_path}/{pattern}"))
    assert properties["input_base"].string_value == str(tmp_path)
    splits = json.loads(properties["input_config"].string_value)["splits"]
    assert [split["pattern"] for split in splits] == [newest]


def test_driver_no_span_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"span-\*/log\.csv: no file matches"):
        _resolved(InteractionGen(LogSettings(), f"{tmp_path}/span-{{SPAN}}/log.csv"))
