"""Fixtures: a cloud on the loopback, a config that uses it, and compiled jobs."""

import copy
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs.load import DEFAULT_CONFIG, load_config
from configs.vertex.section import Vertex
from pipeline.cloud import client
from pipeline.cloud.retrying import Patience
from pipeline.runners.vertex import following
from tests.vertex_api import cloud as vertex_cloud
from tests.vertex_api.cloud import Cloud

DATA = "perennial/datasets/movielens-100k"
QUICK = Patience(first_pause_seconds=0.01, longest_pause_seconds=0.02, total_seconds=20.0, call_seconds=20.0)

WriteConfig = Callable[..., Path]


@functools.cache
def _default() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(DEFAULT_CONFIG.read_text())
    return values


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Google Cloud, for which this process has credentials, with MovieLens 100K in its bucket."""
    with vertex_cloud.cloud(tmp_path) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(client, "PATIENCE", QUICK)
        monkeypatch.setattr(following, "PATIENCE", QUICK)
        monkeypatch.setattr(following, "_FIRST_PAUSE_SECONDS", 0.01)
        running.storage.put("example-bucket", f"{DATA}/ratings.tsv", b"ratings")
        running.storage.put("example-bucket", f"{DATA}/items.tsv", b"items")
        yield running


@pytest.fixture
def write_config(tmp_path: Path, cloud: Cloud) -> WriteConfig:
    """Writes MovieLens 100K's config with the API's address and further fields of its `vertex` section."""

    def write(**vertex: Any) -> Path:
        values = copy.deepcopy(_default())
        values["vertex"] |= {"api_endpoint": cloud.api.url, **vertex}
        values |= {"output_dir": str(tmp_path / "runs"), "schema_dir": str(DEFAULT_CONFIG.parent / "schemas")}
        file = tmp_path / "config.yaml"
        file.write_text(yaml.safe_dump(values))
        return file

    return write


def settings(config: Path) -> Vertex:
    """The `vertex` section of a config."""
    vertex = load_config(config).vertex
    assert vertex is not None
    return vertex


@pytest.fixture(scope="session")
def job_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MovieLens 100K's job, compiled once."""
    from pipeline.runners.vertex.compile import compile_job
    from pipeline.runners.vertex.labels import made_of

    config = load_config(DEFAULT_CONFIG)
    return compile_job(config, str(tmp_path_factory.mktemp("job")), labels=made_of(config))


@pytest.fixture(scope="session")
def job_with_parameters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job by KFP's compiler, with a parameter of each type; `epochs` has no default."""
    from kfp import compiler, dsl

    @dsl.container_component
    def say(epochs: int, rate: float, warm: bool, name: str, towers: list, extra: dict) -> dsl.ContainerSpec:
        return dsl.ContainerSpec(image="debian@sha256:" + "0" * 64, command=["echo"], args=[epochs])

    @dsl.pipeline(name="movielens-100k")
    def pipeline(
        epochs: int,
        rate: float = 0.1,
        warm: bool = False,
        name: str = "a",
        towers: list = [64],  # noqa: B006
        extra: dict = {},  # noqa: B006
    ) -> None:
        say(epochs=epochs, rate=rate, warm=warm, name=name, towers=towers, extra=extra)

    file = tmp_path_factory.mktemp("job") / "job.yaml"
    compiler.Compiler().compile(pipeline, str(file))
    return file


@pytest.fixture
def signed_out(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without credentials, and without a metadata server that provides them."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("PATH", os.defpath)  # no gcloud
