import json
import re
import subprocess
from pathlib import Path

import pytest

from configs.load import load_config
from pipeline.job.compiled import parse_job
from pipeline.runners.vertex.labels import git_commit, label_value, labels, made_of
from tests.pipeline.runners.vertex.conftest import WriteConfig


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a package in it."""
    monkeypatch.delenv("PERENNIAL_GIT_COMMIT", raising=False)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "someone")
    package = tmp_path / "repository" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    git(package.parent, "init", "--quiet")
    git(package.parent, "add", ".")
    git(package.parent, "commit", "--quiet", "--message=First")
    return package


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_git_commit_clean_repository_is_its_commit(repository: Path) -> None:
    assert git_commit(repository) == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("file", ["package/__init__.py", "beside.py"])
def test_git_commit_changed_file_is_dirty(repository: Path, file: str) -> None:
    (repository.parent / file).write_text("changed")

    assert git_commit(repository) == f"{git(repository, 'rev-parse', 'HEAD')}-dirty"


def test_git_commit_git_does_not_say_what_changed_is_dirty(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    (repository.parent / ".git" / "index").write_bytes(b"broken")
    monkeypatch.setattr("pipeline.runners.vertex.labels._is_tracked", lambda _: True)

    assert git_commit(repository) == f"{commit}-dirty"


def test_git_commit_package_installed_inside_strangers_repository_is_none(repository: Path) -> None:
    installed = repository.parent / "site-packages" / "package"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()

    assert git_commit(installed) is None


def test_git_commit_no_repository_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PERENNIAL_GIT_COMMIT", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert git_commit(tmp_path) is None


def test_git_commit_in_the_environment_is_taken(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_GIT_COMMIT", "a1b2c3")

    assert git_commit(repository) == "a1b2c3"


@pytest.mark.parametrize(
    ("text", "value"), [("1.16.0", "1-16-0"), ("A/B c", "a-b-c"), ("é" + "x" * 70, "-" + "x" * 62), ("", "")]
)
def test_label_value_takes_the_signs_that_vertex_takes(text: str, value: str) -> None:
    assert label_value(text) == value


def test_labels_each_fits_vertex_and_configs_own_win(
    write_config: WriteConfig, job_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "PERENNIAL_GIT_COMMIT", "0123456789abcdef0123456789abcdef01234567"
    )  # there may be no repository here
    config = load_config(write_config(labels={"tfx_runner": "mine", "team": "shelf"}))
    document = json.loads(job_file.read_text())
    document["labels"] |= made_of(config)

    found = labels(config, parse_job(document, "job.json"))

    assert found["tfx_runner"] == "mine" and found["team"] == "shelf"
    assert {"config_digest", "git_commit", "tfx_version"} <= set(found)
    for key, value in found.items():
        assert re.fullmatch("[a-z][a-z0-9_-]{0,62}", key) and re.fullmatch("[a-z0-9_-]{0,63}", value)


def test_labels_of_config_and_code_are_those_that_the_job_was_compiled_with(
    write_config: WriteConfig, job_file: Path
) -> None:
    config = load_config(write_config())
    document = json.loads(job_file.read_text())
    document["labels"] = {"config_digest": "older", "git_commit": "a1b2c3"}

    found = labels(config, parse_job(document, "job.json"))

    assert (found["config_digest"], found["git_commit"]) == ("older", "a1b2c3")


@pytest.mark.parametrize("none", [None, {}])
def test_labels_job_without_any_says_nothing_of_config_and_code(
    none: dict[str, str] | None, write_config: WriteConfig, job_file: Path
) -> None:
    document = json.loads(job_file.read_text())
    document["labels"] = none

    found = labels(load_config(write_config()), parse_job(document, "job.json"))

    assert not {"config_digest", "git_commit"} & set(found)
