"""The wheel, as someone who installs it gets it."""

import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("common", "documents", "configs", "transforms", "serving_signatures", "trainer", "pipeline")


@pytest.mark.e2e
def test_wheel_holds_every_module_every_yaml_and_the_command(tmp_path):
    # A copy, because a build leaves its own folders in the tree.
    source = tmp_path / "source"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    # A curated schema, which no pipeline of the project needs to have.
    schema = source / "configs/schemas/sample/interactions.pbtxt"
    schema.parent.mkdir(parents=True, exist_ok=True)
    schema.write_text("")
    expected = {
        str(file.relative_to(source))
        for package in PACKAGES
        for file in (source / package).rglob("*")
        if file.suffix in (".py", ".yaml", ".pbtxt", ".j2", ".css")
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
