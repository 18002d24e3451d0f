"""The image's shell scripts: sound shell, the same numbers as elsewhere, and a word on wrong arguments."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.ground import image
from tests.images.dockerfile import PIPELINE, ROOT

FOLDER = ROOT / "images/pipeline"
SCRIPTS = [*sorted(FOLDER.glob("*.sh")), ROOT / "bootstrap.sh", ROOT / ".ci/run"]
SHELLCHECK = Path(sys.executable).with_name("shellcheck")


def _run(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([FOLDER / script, *arguments], cwd=ROOT, capture_output=True, text=True)


def _constant(script: str, name: str) -> str:
    (value,) = re.findall(rf"^{name}=(\S+)$", (FOLDER / script).read_text(), flags=re.MULTILINE)
    return value


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    done = subprocess.run([SHELLCHECK, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.name)
def test_script_stops_at_the_first_error(script: Path) -> None:
    assert "\nset -euo pipefail\n" in script.read_text()
    assert script.stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize(
    ("script", "name", "expected"),
    [
        ("install.sh", "USER_ID", str(image.USER_ID)),
        ("install.sh", "GROUP_ID", str(image.GROUP_ID)),
        ("install.sh", "HOME_DIR", image.HOME),
        ("install.sh", "VENV", image.VENV),
        ("smoke.sh", "USER_ID", str(image.USER_ID)),
        ("smoke.sh", "VENV", image.VENV),
    ],
)
def test_constant_equals_that_of_the_image_module(script: str, name: str, expected: str) -> None:
    assert _constant(script, name) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "takes a step and at most one extra; received 0 arguments"),
        (("pakage",), "unknown step 'pakage'; allowed: compilers, dependencies, package, tools, system"),
        (("package", "cpu"), "unknown extra 'cpu'; allowed: gpu, mlflow, gpu+mlflow"),
        (("package", "gpu", "x"), "received 3 arguments"),
    ],
)
def test_install_with_wrong_arguments_says_what_is_allowed(arguments: tuple[str, ...], expected: str) -> None:
    done = _run("install.sh", *arguments)
    assert done.returncode == 1
    assert expected in done.stderr


@pytest.mark.parametrize("arguments", [(), ("a.yaml", "--rehears"), ("a.yaml", "--rehearse", "x")])
def test_smoke_with_wrong_arguments_says_what_it_takes(arguments: tuple[str, ...]) -> None:
    done = _run("smoke.sh", *arguments)
    assert done.returncode == 2
    assert "takes CONFIG and, to run the job, --rehearse" in done.stderr


def test_check_looks_at_the_tree_as_the_user_of_the_tasks() -> None:
    (command,) = re.findall(r"^user=\$\((.*)\)$", (FOLDER / "check.sh").read_text(), flags=re.MULTILINE)
    script = f"DOCKERFILE={PIPELINE}; {command}"
    done = subprocess.run(["bash", "-ceu", script], capture_output=True, text=True)
    assert done.stdout == f"{image.USER_ID}:{image.GROUP_ID}\n"


def test_check_leaves_a_tree_alone_that_is_not_its_own(tmp_path: Path) -> None:
    text = (FOLDER / "check.sh").read_text()
    (mark,) = re.findall(r"^MARK=(\S+)", text, flags=re.MULTILINE)
    (guard,) = re.findall(r'^\[ ! -e "\$TREE" \].*$', text, flags=re.MULTILINE)
    assert text.index(guard) < text.index("rm -rf --one-file-system")
    script = f'fail() {{ echo "$@"; exit 1; }}\n{guard}\necho deleted'

    def said() -> str:
        return subprocess.run(
            ["bash", "-ceu", script], env={"TREE": str(tmp_path), "MARK": mark}, capture_output=True, text=True
        ).stdout

    assert "this script did not make it" in said()
    (tmp_path / mark).touch()
    assert said() == "deleted\n"
