"""pip on the PATH, and credentials: real ones of Google's library, from files made here."""

import json
import sys
from pathlib import Path
from typing import Any

import google.auth
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from configs.load import DEFAULT_CONFIG, load_config
from configs.vertex.section import Vertex
from pipeline.commands.doctor.access import credentials, pip
from pipeline.commands.doctor.examine import _with_imports


@pytest.mark.parametrize(("found", "status"), [("/venv/bin/pip", "ok"), ("/usr/bin/pip", "warning"), (None, "warning")])
def test_pip_of_this_environment_is_wanted(found: str | None, status: str) -> None:
    check = pip(found, "/venv")
    assert check.status == status
    assert ("put /venv/bin first on the PATH" in check.advice) == (status == "warning")


def _vertex(project: str) -> Vertex:
    vertex = load_config(DEFAULT_CONFIG).vertex
    assert vertex is not None
    return vertex.model_copy(update={"project": project})


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment without credentials, in which no metadata server is asked for."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def _key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = {
        "type": "service_account",
        "project_id": "shop-project",
        "private_key_id": "0123456789",
        "private_key": pem.decode(),
        "client_email": "robot@shop-project.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    (folder / "key.json").write_text(json.dumps(key))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "key.json"))
    return key


@pytest.mark.parametrize(
    ("project", "status"), [(None, "warning"), ("example-project", "warning"), ("shop-project", "error")]
)
def test_credentials_absent_is_an_error_only_where_a_project_of_ones_own_waits(
    project: str | None, status: str, nowhere: Path
) -> None:
    check = credentials(google.auth.default, _vertex(project) if project else None)
    assert (check.status, check.found) == (status, "none")
    assert "gcloud auth application-default login" in check.advice


@pytest.mark.parametrize(("project", "status"), [("shop-project", "ok"), ("other-project", "warning")])
def test_credentials_there_are_reported_by_kind_and_project_and_nothing_else(
    project: str, status: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = _key(nowhere, monkeypatch)
    check = credentials(google.auth.default, _vertex(project))
    assert (check.status, check.found) == (
        status,
        "google.oauth2.service_account.Credentials, project shop-project",
    )
    assert not any(str(key[secret]) in str(check) for secret in ("private_key", "private_key_id", "client_email"))


def test_credentials_file_that_is_broken_is_reported(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nowhere / "latin.json").write_bytes(b"\xff")
    for name, found in (("missing.json", "none"), (".", "unusable (IsADirectoryError)"), ("latin.json", "")):
        file = str(nowhere / name)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
        check = credentials(google.auth.default, _vertex("shop-project"), file)
        assert check.status == "error"
        assert check.found.startswith(found)
        assert check.found.endswith(f" in {file}, which GOOGLE_APPLICATION_CREDENTIALS names")


def test_library_that_a_look_needs_is_missing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.auth", None)
    check = _with_imports("credentials", lambda: credentials(lambda: (None, None), None))
    assert (check.name, check.status) == ("credentials", "error")
    assert "google" in check.found
