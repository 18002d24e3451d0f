"""The option `--image`: the image by digest in place of the config's."""

import argparse
import sys
from pathlib import Path

import pytest

from configs.errors import ConfigError
from configs.load import DEFAULT_CONFIG, load_config
from pipeline.cli import main
from pipeline.vertex.image_option import add_image, with_image
from tests.pipeline.vertex.settings import config_with

DIGEST = "europe-docker.pkg.dev/my-project/perennial/pipeline@sha256:" + "0123456789abcdef" * 4


def test_image_is_the_only_thing_that_changes() -> None:
    config = load_config(DEFAULT_CONFIG)
    changed = with_image(config, DIGEST)
    assert changed.vertex is not None and config.vertex is not None
    assert changed.vertex.image == DIGEST
    assert changed.vertex.model_dump(exclude={"image"}) == config.vertex.model_dump(exclude={"image"})
    assert changed.model_dump(exclude={"vertex"}) == config.model_dump(exclude={"vertex"})


def test_image_not_given_leaves_the_config_alone() -> None:
    parser = argparse.ArgumentParser()
    add_image(parser)
    config = load_config(DEFAULT_CONFIG)
    assert with_image(config, parser.parse_args([]).image) is config


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
def test_image_that_is_not_named_by_a_digest_is_refused(image: str) -> None:
    with pytest.raises(ConfigError, match="must name the image by its digest") as refused:
        with_image(load_config(DEFAULT_CONFIG), image)
    assert repr(image) in str(refused.value)


def test_image_of_a_machine_that_has_its_own_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    pool, dataflow = {"machine_type": "n1-standard-8", "image": "repo/gpu@sha256:0"}, {"image": DIGEST}
    changed = with_image(config_with(custom_job=pool, dataflow=dataflow), DIGEST)
    (record,) = caplog.records
    assert "vertex.custom_job.image as it is, repo/gpu@sha256:0" in record.getMessage()
    assert changed.vertex is not None and changed.vertex.custom_job is not None
    assert changed.vertex.custom_job.image == "repo/gpu@sha256:0"


def test_config_without_vertex_section_is_refused() -> None:
    config = load_config(DEFAULT_CONFIG).model_copy(update={"vertex": None})
    with pytest.raises(ConfigError, match="no 'vertex' section"):
        with_image(config, DIGEST)


def test_compile_with_a_tag_is_told_before_tfx_is_imported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # None in sys.modules makes the import fail.
    monkeypatch.setitem(sys.modules, "pipeline.vertex.compile", None)
    assert main(["vertex", "compile", "--image", "pipeline:latest"]) == 1
    assert "must name the image by its digest" in capsys.readouterr().err


def test_compiled_job_has_the_image_on_every_container(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = tmp_path / "pipeline.json"
    assert main(["vertex", "compile", "--image", DIGEST, "--output", str(job)]) == 0, capsys.readouterr().err
    text = job.read_text()
    assert text.count(DIGEST) == text.count('"image":') > 5
    assert "sha256:00000000" not in text
