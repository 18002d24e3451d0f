"""Versions that fit together or do not, and imports in a process of their own."""

import os
import sys
from pathlib import Path

import pytest

from pipeline.commands.doctor import libraries

FOUND = {"perennial": "0.1.0", "tfx": "1.21.0", "tensorflow": "2.21.0", "protobuf": "6.33.6", "kfp": "2.16.0"}
REQUIRES = {
    "perennial": ["tfx>=1.21,<1.22; python_version >= '3.10'", "tfx<1; python_version < '3'"],
    "tfx": ["tensorflow<2.22,>=2.21", "protobuf<7,>=4.25", 'docker; extra == "docker"'],
}


def test_versions_of_this_environment_fit_together() -> None:
    check = libraries.versions(libraries.installed(), libraries.requirements())
    assert check.status == "ok", check.found
    assert "tfx 1." in check.found and "protobuf " in check.found


def test_versions_that_fit_are_reported() -> None:
    check = libraries.versions(FOUND, REQUIRES)
    assert (check.status, check.found) == ("ok", "tfx 1.21.0, tensorflow 2.21.0, kfp 2.16.0, protobuf 6.33.6")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"tensorflow": "2.16.2"}, "tfx needs tensorflow <2.22,>=2.21, but 2.16.2 is installed"),
        ({"protobuf": "3.20.3"}, "tfx needs protobuf <7,>=4.25, but 3.20.3 is installed"),
        ({"tfx": "1.16.0"}, "perennial needs tfx <1.22,>=1.21, but 1.16.0 is installed"),
    ],
)
def test_versions_that_do_not_fit_are_each_reported(change: dict[str, str], found: str) -> None:
    check = libraries.versions({**FOUND, **change}, REQUIRES)
    assert (check.status, check.found) == ("error", found)
    assert "bootstrap.sh" in check.advice


def test_versions_missing_libraries_are_reported() -> None:
    without = {name: version for name, version in FOUND.items() if name != "tensorflow"}
    assert libraries.versions(without, REQUIRES).found == "tfx needs tensorflow, which is missing"
    assert libraries.versions({}, {}).found == "perennial is missing; tfx is missing"


def test_installed_and_versions_pass_over_or_tell_broken_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"a": None, "b": b"", "c": b"Name: c\n", "d": b"\xff\xfe", "e": b"Name: E_e\nVersion: 1\n"}
    for name, text in texts.items():
        (tmp_path / f"{name}-1.dist-info").mkdir()
        if text is not None:
            (tmp_path / f"{name}-1.dist-info" / "METADATA").write_bytes(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert libraries.installed() == {"e-e": "1"}
    check = libraries.versions(FOUND, {**REQUIRES, "tfx": ["tensorflow=>2"]})
    assert (check.status, check.found) == ("error", "tfx has the requirement 'tensorflow=>2', which is not valid")


@pytest.mark.parametrize(("version", "status"), [("1.8.22", "error"), (None, "error"), ("2.0.1", "ok"), ("2.16", "ok")])
def test_kubeflow_before_2_is_an_error(version: str | None, status: str) -> None:
    assert libraries.kubeflow(version).status == status


@pytest.mark.parametrize(("version", "status"), [("3.1.0", "ok"), (None, "warning")])
def test_mlflow_that_is_missing_is_a_warning(version: str | None, status: str) -> None:
    assert libraries.mlflow(version).status == status


@pytest.fixture(scope="module")
def loaded() -> dict[str, str]:
    return libraries.load()


@pytest.mark.e2e
def test_load_finds_tfx_keras_2_and_a_fast_protobuf(loaded: dict[str, str]) -> None:
    installed = libraries.installed()
    assert (loaded["tfx"], loaded["tensorflow"]) == (installed["tfx"], installed["tensorflow"])
    assert libraries.imports(loaded).status == "ok"
    assert libraries.keras(loaded, None).status == "ok"
    assert libraries.protobuf(loaded, None).status == "ok"


@pytest.mark.e2e
def test_load_keras_3_asked_for_is_what_is_found(tmp_path: Path) -> None:
    # Only what decides it: the whole of TFX would take seconds more to fail in its own way.
    for module, text in {
        "tfx/__init__.py": "",
        "tfx/version.py": "__version__ = '1'",
        "tfx/components/transform/component.py": "",
        "tfx/orchestration/local/local_dag_runner.py": "",
        "tensorflow_recommenders.py": "",
    }.items():
        (tmp_path / module).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / module).write_text(text)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    loaded = libraries.load({**os.environ, "TF_USE_LEGACY_KERAS": "0", "PYTHONPATH": path})
    assert loaded["keras"] == "keras"
    check = libraries.keras(loaded, None)
    assert (check.status, check.found) == ("error", "tf.keras is keras")


@pytest.mark.e2e
def test_load_modules_of_the_current_folder_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    for module in ("common.py", "tensorflow.py", "json.py"):
        (tmp_path / "here" / module).write_text("raise SystemExit('of the current folder')\n")
    (tmp_path / "tensorflow.py").write_text("raise ImportError('reached')\n")  # ends the probe before TFX is imported
    monkeypatch.chdir(tmp_path / "here")
    assert libraries.load({**os.environ, "PYTHONPATH": str(tmp_path)}) == {"error": "ImportError: reached"}


@pytest.mark.e2e
def test_load_library_that_does_not_load_is_reported_in_its_last_line(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ImportError('version `GLIBC_2.38` not found')\n")
    found = libraries.load({**os.environ, "PYTHONPATH": str(tmp_path)})
    assert found == {"error": "ImportError: version `GLIBC_2.38` not found"}
    for check in (libraries.imports(found), libraries.keras(found, None), libraries.protobuf(found, None)):
        assert check.status == "error"


@pytest.mark.parametrize(("setting", "status"), [("1", "ok"), ("True", "ok"), (None, "ok"), ("0", "error")])
def test_keras_setting_that_chooses_keras_3_is_an_error(setting: str | None, status: str) -> None:
    assert libraries.keras({"keras": "tf_keras"}, setting).status == status


def test_protobuf_in_pure_python_is_a_warning_that_names_the_variable_if_it_is_set() -> None:
    check = libraries.protobuf({"protobuf": "python"}, "python")
    assert check.status == "warning"
    assert "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION" in check.advice
    assert "PROTOCOL_BUFFERS" not in libraries.protobuf({"protobuf": "python"}, None).advice
