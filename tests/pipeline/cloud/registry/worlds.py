"""Simulates a pipeline on Vertex: its runs train, push and register small models, using only the loopback."""

import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import pytest
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils
from tfx.types import standard_artifacts

from configs.pipeline import PipelineConfig
from configs.vertex.target import Target
from pipeline.cloud.registry import api as registry_api
from pipeline.cloud.registry import versions as registry_versions
from pipeline.cloud.registry.api import RegistryApi
from pipeline.cloud.retrying import Patience
from pipeline.components.live_model_resolver import executor as served_model
from pipeline.components.registry_pusher.executor import Executor
from pipeline.ground.presence import present
from pipeline.store.versions import publish
from pipeline.store.versions.push import push
from tests.pipeline.vertex_settings import config_with
from tests.vertex_api import cloud as vertex_cloud
from tests.vertex_api.endpoints import Endpoints
from tests.vertex_api.models import Models
from tests.vertex_api.object_store import ObjectStore
from tests.vertex_api.operations import NUMBER, Operations
from tests.vertex_api.resources import PARENT
from tests.vertex_api.server import VertexApi

NAME = "movielens-100k"
MODEL = f"{PARENT}/models/{NAME}"
IMAGE = "europe-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"
ENDPOINT = {"display_name": "recommender", "machine_type": "n1-standard-2"}

QUICK = Patience(attempts=3, first_pause_seconds=0.01, longest_pause_seconds=0.02, call_seconds=20.0)


def as_input(title: str, uri: str, metadata: Mapping[str, Any]) -> Any:
    """Makes an artifact like a task on Vertex: TFX reads it from an ExecutorInput."""
    artifact = pipeline_spec_pb2.RuntimeArtifact(uri=uri, name=f"{PARENT}/metadataStores/default/artifacts/1")
    artifact.type.instance_schema = f"title: {title}\ntype: object\n"
    artifact.metadata.update(metadata)
    artifacts = pipeline_spec_pb2.ArtifactList(artifacts=[artifact])
    [parsed] = kubeflow_v2_entrypoint_utils.parse_raw_artifact_dict({"it": artifacts}, {})["it"]
    return parsed


class World:
    """The cloud services for one config. The names of models are letters."""

    def __init__(self, server: VertexApi, store: ObjectStore) -> None:
        self.server, self.store = server, store
        self.operations = Operations()
        self.models = Models(self.operations)
        self.endpoints = Endpoints(self.models, self.operations)
        server.add(self.operations, self.models, self.endpoints)
        self.bucket = f"bucket-{uuid.uuid4().hex}"  # TensorFlow caches the content of a bucket for seconds
        self.digests: dict[str, str] = {}
        """Digests of the models, by letter."""

        self._runs = 0

    def config(self, registry: Mapping[str, Any] | None = None, keep: int = 9) -> PipelineConfig:
        """MovieLens 100K's config with these fields of `vertex.registry`. None: it has no registry."""
        settings = None if registry is None else {"serving_image": IMAGE, **registry}
        serving_dir = f"gs://{self.bucket}/serving"
        config = config_with(api_endpoint=self.server.url, serving_dir=serving_dir, registry=settings)
        return config.model_copy(update={"push": config.push.model_copy(update={"keep_versions": keep})})

    def api(self, config: PipelineConfig) -> RegistryApi:
        """A client of Google Cloud that retries quickly."""
        assert config.vertex is not None
        return RegistryApi(config.vertex, QUICK)

    def run(self, name: str, config: PipelineConfig) -> dict[str, Any]:
        """One run: trains the model of this name, pushes and registers it.

        Returns:
            The document that RegistryPusher wrote.
        """
        return self.register(config, self.push(name, config))

    def train(self, name: str) -> str:
        """Trains the model of this name; returns the URI of its artifact."""
        self._runs += 1
        uri = f"{self._root}/Trainer_1/model"
        # Only the files that are read: TensorFlow sends several requests for each.
        for file, text in {
            "saved_model.pb": f"graph of {name}",
            "assets.extra/provenance.json": json.dumps({"pipeline": NAME, "metrics": {}}),
        }.items():
            self.store.put(self.bucket, f"{uri.partition(self.bucket)[2][1:]}/Format-Serving/{file}", text.encode())
        return uri

    def push(self, name: str, config: PipelineConfig, service_data: str | None = None) -> Any:
        """Trains the model of this name, and pushes it like the Pusher, with the service's data of a folder.

        Returns:
            The PushedModel that RegistryPusher gets.
        """
        assert config.vertex is not None
        uri = self.train(name)
        result = push(f"{uri}/Format-Serving", config.vertex.serving_dir, config.push.keep_versions, service_data)
        self.digests[name] = result.digest
        custom_properties = {"pushed": float(result.version is not None), "model_digest": result.digest}
        return as_input("tfx.PushedModel", "", custom_properties)

    def register(self, config: PipelineConfig, pushed: Any) -> dict[str, Any]:
        """Runs RegistryPusher's executor; returns the document that it wrote."""
        assert config.vertex is not None
        output = standard_artifacts.PushedModel()
        output.uri = f"{self._root}/RegistryPusher_1/registered_model"
        Executor().Do(
            {"pushed_model": [pushed]},
            {"registered_model": [output]},
            {
                "serving_dir": config.vertex.serving_dir,
                "target": Target.of(config).model_dump_json(),
                "code_digest": "c",
            },
        )
        bucket, _, name = output.uri.removeprefix("gs://").partition("/")
        report: dict[str, Any] = json.loads(self.store.objects[bucket, f"{name}/registry.json"])
        assert output.get_int_custom_property("pushed") == int(report["registered"])
        assert output.get_string_custom_property("pushed_destination") == report.get("model", "")
        return report

    def versions(self) -> dict[int, tuple[str, set[str]]]:
        """The content of the registry, read without the tested code: for each number the model's letter and aliases."""
        names = {digest: name for name, digest in self.digests.items()}
        return {
            number: (names[model.version_description[14:78]], set(model.version_aliases))
            for number, model in self.models.versions.get(MODEL, {}).items()
        }

    def live(self) -> str:
        """The letter of the model with the highest number in the serving folder."""
        graphs = [name for name in self.store.names(self.bucket) if name.endswith("/saved_model.pb")]
        served = [name for name in graphs if name.startswith("serving/")]
        newest = max(served, key=lambda name: int(name.split("/")[1]))
        return self.store.objects[self.bucket, newest].decode().removeprefix("graph of ")

    def numbers(self) -> list[int]:
        """Version numbers in the serving folder."""
        names = self.store.names(self.bucket)
        return sorted(
            int(name.split("/")[1])
            for name in names
            if name.startswith("serving/") and name.endswith("/saved_model.pb")
        )

    def last_blessed(self) -> str | None:
        """The letter of the model with which the next run compares its own, and from which it starts."""
        model = standard_artifacts.Model()
        properties = {"serving_dir": f"gs://{self.bucket}/serving"}
        served_model.Executor().Do({}, {"model": [model]}, properties)
        if not present({"model": [model]})["model"]:
            return None
        bucket, _, name = model.uri.removeprefix("gs://").partition("/")
        return self.store.objects[bucket, f"{name}/Format-Serving/saved_model.pb"].decode().removeprefix("graph of ")

    @property
    def _root(self) -> str:
        return f"gs://{self.bucket}/root/{NUMBER}/{NAME}-2026010100000{self._runs}"


@pytest.fixture
def world(
    tmp_path: Path, store: tuple[ObjectStore, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """An empty project, for which this process has credentials."""
    monkeypatch.setattr(publish, "_now", lambda: 1000.0)  # so version numbers count up from 1000
    for module in (registry_api, registry_versions):
        monkeypatch.setattr(module, "_sleep", lambda seconds: None)
    with vertex_cloud.cloud(tmp_path) as running:
        for name, value in {**running.environment, **store[1]}.items():
            monkeypatch.setenv(name, value)
        world = World(running.api, store[0])
        yield world
        parts = [part for part in world.endpoints.answered if part]
        first = world.endpoints.answered.index(parts[0]) if parts else 0
        assert all(world.endpoints.answered[first:]), "for a while, nothing answered"
