"""The options `--image` and `--dataflow-image`: images by digest in place of the config's."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from apache_beam.options.pipeline_options import PipelineOptions, WorkerOptions

from common.errors import ConfigError, JobError
from configs.load import DEFAULT_CONFIG, load_config
from pipeline.commands.cli import main
from pipeline.commands.vertex.arguments import add_images
from pipeline.job.compiled import read_job
from pipeline.runners.vertex.image_option import check_images, with_images
from tests.pipeline.vertex_settings import config_with, containers_of

DIGEST = "europe-docker.pkg.dev/my-project/perennial/pipeline@sha256:" + "0123456789abcdef" * 4
WORKERS = "europe-docker.pkg.dev/my-project/perennial/pipeline-dataflow@sha256:" + "fedcba9876543210" * 4
EARLIER = "repo/earlier@sha256:" + "0" * 64


def test_image_is_the_only_thing_that_changes() -> None:
    config = load_config(DEFAULT_CONFIG)
    changed = with_images(config, DIGEST, None)
    assert changed.vertex is not None and config.vertex is not None
    assert changed.vertex.image == DIGEST
    assert changed.vertex.model_dump(exclude={"image"}) == config.vertex.model_dump(exclude={"image"})
    assert changed.model_dump(exclude={"vertex"}) == config.model_dump(exclude={"vertex"})


def test_dataflow_image_changes_that_of_the_workers_and_nothing_else() -> None:
    config = config_with(dataflow={"image": EARLIER, "max_workers": 7}, image=DIGEST)
    wanted = config_with(dataflow={"image": WORKERS, "max_workers": 7}, image=DIGEST)
    assert with_images(config, None, WORKERS) == wanted
    assert with_images(config, DIGEST, WORKERS) == wanted


def test_images_not_given_leave_the_config_alone(caplog: pytest.LogCaptureFixture) -> None:
    parser = argparse.ArgumentParser()
    add_images(parser)
    arguments, config = parser.parse_args([]), config_with(dataflow={"image": EARLIER})
    assert with_images(config, arguments.image, arguments.dataflow_image) is config
    assert not caplog.records


@pytest.mark.parametrize("option", ["--image", "--dataflow-image"])
@pytest.mark.parametrize(
    "image",
    [
        "",
        "pipeline",
        "pipeline:latest",
        "pipeline@sha256:0123",
        DIGEST + "0",
        DIGEST.upper(),
        f"@{DIGEST.split('@')[1]}",
        f"{DIGEST}\n",
    ],
)
def test_image_that_is_not_named_by_a_digest_is_refused(option: str, image: str) -> None:
    images = (image, WORKERS) if option == "--image" else (DIGEST, image)
    with pytest.raises(ConfigError, match=f"^{option} must name the image by its digest") as refused:
        with_images(config_with(dataflow={}), *images)
    assert repr(image) in str(refused.value)


@pytest.mark.parametrize(
    ("images", "stay"),
    [
        ((DIGEST, None), ["custom_job.image stays repo/gpu@sha256:0", f"dataflow.image stays {EARLIER}"]),
        ((None, WORKERS), ["image stays repo/tasks@sha256:1", "custom_job.image stays repo/gpu@sha256:0"]),
        ((DIGEST, WORKERS), ["custom_job.image stays repo/gpu@sha256:0"]),
        ((DIGEST, DIGEST), ["custom_job.image stays repo/gpu@sha256:0"]),
    ],
)
def test_images_that_stay_are_a_warning_each(
    images: tuple[str | None, str | None], stay: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    pool = {"machine_type": "n1-standard-8", "image": "repo/gpu@sha256:0"}
    config = config_with(image="repo/tasks@sha256:1", custom_job=pool, dataflow={"image": EARLIER})
    changed = with_images(config, *images)
    messages = [record.getMessage() for record in caplog.records]
    assert [text.partition(": make")[0] for text in messages] == [f"vertex.{text}" for text in stay]
    assert changed.vertex is not None and changed.vertex.custom_job is not None
    assert changed.vertex.custom_job.image == "repo/gpu@sha256:0"


def test_workers_in_the_image_of_the_tasks_are_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with_images(config_with(dataflow={}), DIGEST, None)
    with_images(config_with(dataflow={"image": DIGEST}), DIGEST, None)
    assert not caplog.records


@pytest.mark.parametrize("images", [(DIGEST, None), (None, WORKERS), (DIGEST, WORKERS)])
def test_config_without_vertex_section_is_refused(images: tuple[str | None, str | None]) -> None:
    config = load_config(DEFAULT_CONFIG).model_copy(update={"vertex": None})
    with pytest.raises(ConfigError, match="no 'vertex' section"):
        with_images(config, *images)


def test_dataflow_image_without_dataflow_section_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"no 'dataflow' section.*Add vertex\.dataflow, or leave --dataflow-image out"
    ):
        with_images(load_config(DEFAULT_CONFIG), DIGEST, WORKERS)


def test_dataflow_image_where_workers_are_made_from_a_setup_file_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"setup_file, '/src/setup\.py', which excludes an image"):
        with_images(config_with(dataflow={"setup_file": "/src/setup.py"}), DIGEST, WORKERS)


@pytest.mark.parametrize("option", ["--image", "--dataflow-image"])
@pytest.mark.parametrize("command", ["compile", "lint", "submit", "schedules put"])
def test_command_with_a_tag_tells_it_before_tfx_is_imported(
    command: str, option: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # None in sys.modules makes the import fail.
    monkeypatch.setitem(sys.modules, "pipeline.runners.vertex.compile", None)
    assert main(["vertex", *command.split(), option, "pipeline:latest"]) == 1
    assert f"{option} must name the image by its digest" in capsys.readouterr().err


def test_compiled_job_has_the_image_on_every_container(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = tmp_path / "pipeline.json"
    assert main(["vertex", "compile", "--image", DIGEST, "--output", str(job)]) == 0, capsys.readouterr().err
    text = job.read_text()
    assert text.count(DIGEST) == text.count('"image":') > 5
    assert "sha256:00000000" not in text


@pytest.fixture(scope="module")
def paired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The job of a config whose workers are of an earlier build, compiled for both images of another."""
    folder = tmp_path_factory.mktemp("paired")
    values = yaml.safe_load(DEFAULT_CONFIG.read_text())
    values["vertex"]["dataflow"] = {"image": EARLIER}
    values["schema_dir"] = str(DEFAULT_CONFIG.parent / "schemas")
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    arguments = ["--config", str(folder / "config.yaml"), "--output", str(folder / "pipeline.json")]
    assert main(["vertex", "compile", *arguments, "--image", DIGEST, "--dataflow-image", WORKERS]) == 0
    return folder / "pipeline.json"


def test_compiled_job_has_the_image_of_the_workers_in_beams_flags_and_that_of_the_tasks_on_containers(
    paired: Path,
) -> None:
    containers: dict[str, Any] = containers_of(json.loads(paired.read_text()))
    workers = {
        task: PipelineOptions(container["args"]).view_as(WorkerOptions).sdk_container_image
        for task, container in containers.items()
    }
    # The other tasks have no flags of Beam.
    assert {task for task, image in workers.items() if image == WORKERS} == {
        "InteractionGen", "CatalogueGen", "InteractionsStatisticsGen", "CatalogueStatisticsGen",
        "InteractionTransform", "CatalogueTransform",
    }  # fmt: skip
    assert set(workers.values()) == {WORKERS, None}
    assert {container["image"] for container in containers.values()} == {DIGEST}
    assert EARLIER not in paired.read_text()


@pytest.mark.parametrize("images", [(DIGEST, WORKERS), (DIGEST, None), (None, WORKERS), (None, None)])
def test_job_is_taken_for_the_images_it_was_compiled_for(paired: Path, images: tuple[str | None, str | None]) -> None:
    check_images(read_job(paired), *images)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ((EARLIER, WORKERS), f"compiled for {DIGEST}, not for --image {EARLIER}"),
        ((DIGEST, EARLIER), f"compiled for {WORKERS}, not for --dataflow-image {EARLIER}"),
        ((WORKERS, DIGEST), f"compiled for {DIGEST}, not for --image {WORKERS}"),
    ],
)
def test_job_compiled_for_other_images_is_refused(paired: Path, images: tuple[str, str], message: str) -> None:
    with pytest.raises(JobError) as refused:
        check_images(read_job(paired), *images)
    assert message in str(refused.value)
