"""The pipeline's Dockerfile against what it must agree with: the lock, the rehearsal's environment, the tree."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.ground import image
from tests.images.dockerfile import PIPELINE, ROOT, Instruction, global_arguments, stages
from tests.images.lock import Lock

DOCKERFILES = sorted((ROOT / "images").rglob("*Dockerfile*"))
STAGES = {stage.name: stage for stage in stages(PIPELINE)}
RUNTIME = STAGES["runtime"]
FINAL = stages(PIPELINE)[-1]
IMAGE_PYTHON = "3.12"


def _run_tool(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    tool = Path(sys.executable).with_name(name)
    return subprocess.run([tool, *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_hadolint_finds_nothing_and_ignores_nothing_but_the_root_of_dataflow(dockerfile: Path) -> None:
    done = _run_tool("hadolint", "--disable-ignore-pragma", "--format=json", str(dockerfile))
    lines = dockerfile.read_text().splitlines()
    found = [(fault["code"], lines[fault["line"] - 1]) for fault in json.loads(done.stdout)]
    assert found == ([("DL3002", "USER 0:0")] if dockerfile == PIPELINE else [])


def test_hadolint_finds_a_planted_fault(tmp_path: Path) -> None:
    planted = tmp_path / "Dockerfile"
    planted.write_text(PIPELINE.read_text().replace("FROM python AS build", "FROM debian AS build"))
    done = _run_tool("hadolint", str(planted))
    assert done.returncode == 1
    assert "DL3006" in done.stdout  # an image without a tag


def test_environment_equals_the_one_that_the_rehearsal_uses() -> None:
    expected = {**image.ENVIRONMENT, "HOME": image.HOME, "PATH": image.PATH}
    assert RUNTIME.assigned("ENV") == expected
    assert not FINAL.values("ENV")


def test_environment_has_the_virtual_environment_first() -> None:
    assert image.PATH.split(os.pathsep)[0] == f"{image.VENV}/bin"


@pytest.mark.parametrize("name", ["runtime", "test"])
def test_user_is_numeric_and_the_last_word(name: str) -> None:
    assert STAGES[name].values("USER")[-1] == f"{image.USER_ID}:{image.GROUP_ID}"
    assert not FINAL.values("USER")


def test_image_of_dataflow_is_the_runtime_stage_with_root_as_user_and_the_commit_as_label() -> None:
    assert STAGES["dataflow"].base == "runtime"
    revision = Instruction("LABEL", 'org.opencontainers.image.revision="$COMMIT"')
    assert STAGES["dataflow"].instructions == [Instruction("ARG", "COMMIT="), Instruction("USER", "0:0"), revision]
    # The same on the image of the tasks, so that the two of one build can be told.
    assert STAGES["dataflow"].assigned("LABEL").items() <= FINAL.assigned("LABEL").items()
    assert "COMMIT=" in FINAL.values("ARG")
    assert FINAL.name == ""  # so that it is not what is built when no target is named


def test_final_image_is_the_runtime_stage_and_labels() -> None:
    assert FINAL.base == "runtime"
    assert {instruction.keyword for instruction in FINAL.instructions} == {"ARG", "LABEL"}


def test_runtime_has_nothing_of_the_build_but_the_environment() -> None:
    assert RUNTIME.base == STAGES["build"].base == "python"
    assert RUNTIME.values("COPY") == [
        "--from=beam /opt/apache/beam /opt/apache/beam",
        "--from=build /opt/perennial /opt/perennial",
    ]
    assert [value.split()[-1] for value in RUNTIME.values("RUN")] == ["system"]


def test_dataflow_finds_its_start_program_as_entrypoint() -> None:
    assert RUNTIME.values("ENTRYPOINT") == ['["/opt/apache/beam/boot"]']


@pytest.mark.parametrize("name", ["python", "beam"])
def test_foreign_image_is_named_by_a_digest_without_default(name: str) -> None:
    (argument,) = re.findall(r"@\$\{(\w+)\}$", STAGES[name].base)
    assert global_arguments(PIPELINE)[argument] is None


def test_no_other_foreign_image_is_used() -> None:
    foreign = [stage.base for stage in stages(PIPELINE) if stage.base not in STAGES]
    assert len(foreign) == 2
    sources = re.findall(r"--from=(\S+)", PIPELINE.read_text())
    assert set(sources) <= set(STAGES)


def test_base_is_debian_13_with_the_python_of_the_beam_image() -> None:
    assert STAGES["python"].base.startswith(f"python:{IMAGE_PYTHON}-slim-trixie@")
    assert STAGES["beam"].base.startswith(f"apache/beam_python{IMAGE_PYTHON}_sdk@")
    base_name = FINAL.assigned("LABEL")["org.opencontainers.image.base.name"]
    assert base_name == "docker.io/library/" + STAGES["python"].base.split("@")[0]


def test_beam_version_equals_the_locked_one() -> None:
    assert global_arguments(PIPELINE)["BEAM_VERSION"] == Lock(IMAGE_PYTHON).packages()["apache-beam"].version


def test_tfx_line_equals_the_locked_one() -> None:
    locked = Lock(IMAGE_PYTHON).packages()["tfx"].version
    assert f"TFX_LINE={'.'.join(locked.split('.')[:2])}" in FINAL.values("ARG")


def test_packages_are_all_copied() -> None:
    setup = (ROOT / "setup.py").read_text()
    (packages,) = re.findall(r"^PACKAGES = \[(.*)\]$", setup, flags=re.MULTILINE)
    copied = {word for value in STAGES["build"].values("COPY") for word in value.split()[:-1]}
    assert set(re.findall(r'"(\w+)"', packages)) <= copied


def test_steps_are_run_in_the_order_of_their_needs() -> None:
    steps = [value.split()[1] for value in STAGES["build"].values("RUN")]
    assert steps == ["compilers", "dependencies", "package"]
