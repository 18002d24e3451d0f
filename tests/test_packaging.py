"""The wheel, as someone who installs it gets it, and the places that list the packages in it."""

import ast
import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipeline.ground.code_digest import OWN_PACKAGES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]


def test_packages_are_the_same_wherever_they_are_listed():
    assert {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests"} == set(OWN_PACKAGES)
    assignments = [node for node in ast.parse((ROOT / "setup.py").read_text()).body if isinstance(node, ast.Assign)]
    (installed,) = (ast.literal_eval(node.value) for node in assignments if ast.unparse(node.targets[0]) == "PACKAGES")
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    layers = [name for layer in tools["importlinter"]["contracts"][0]["layers"] for name in layer.split(" | ")]
    checked = [name for name in tools["mypy"]["packages"] if name != "tests"]
    for listed in (installed, checked, tools["importlinter"]["root_packages"], layers):
        assert sorted(listed) == sorted(OWN_PACKAGES)


@pytest.mark.e2e
def test_wheel_holds_every_module_every_yaml_and_the_command(tmp_path):
    # A copy, because a build leaves its own folders in the tree.
    source = tmp_path / "source"
    for package in OWN_PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    # A curated schema, which no pipeline of the project needs to have.
    schema = source / "configs/schemas/sample/interactions.pbtxt"
    schema.parent.mkdir(parents=True, exist_ok=True)
    schema.write_text("")
    expected = {
        str(file.relative_to(source))
        for package in OWN_PACKAGES
        for file in (source / package).rglob("*")
        if file.suffix in (".py", ".yaml", ".pbtxt", ".j2", ".css", ".binpb")
    }

    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "."]
    done = subprocess.run([*command, "-w", tmp_path], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    (wheel,) = tmp_path.glob("perennial-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = configparser.ConfigParser()
        entry_points.read_string(archive.read(next(n for n in names if n.endswith("entry_points.txt"))).decode())
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == expected
    assert any(name.endswith("LICENSE") for name in names)
    assert dict(entry_points["console_scripts"]) == {"perennial": "pipeline.commands.cli:main"}
