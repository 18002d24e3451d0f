"""`perennial users`: passwords come from standard input, and the database gets their hashes."""

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.commands import cli
from service.auth.keys import keys_file
from service.auth.passwords import verify

PASSWORD = "correct horse ü"


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "shop.yaml"
    file.write_text("name: shop\nlog: {path: log.csv}\noutput_dir: runs\n")
    return str(file)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input with a password and another line."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\nnot this\n"))


def test_key_is_a_line_of_a_keys_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in "ab":
        assert cli.main(["users", "key"]) == 0
    (tmp_path / "keys.yaml").write_text(capsys.readouterr().out)
    assert len(keys_file(tmp_path / "keys.yaml").get().by_name) == 2


@pytest.mark.usefixtures("typed")
def test_hash_is_of_the_first_line_of_standard_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["users", "hash"]) == 0
    hashed = capsys.readouterr().out.strip()
    assert verify(hashed, PASSWORD)
    assert not verify(hashed, "not this")


def test_hash_of_nothing_says_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert cli.main(["users", "hash"]) == 1
    assert "password: a password must have 1 to 1024 bytes" in capsys.readouterr().err


@pytest.mark.usefixtures("typed")
def test_put_list_and_remove(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["users", "put", "shop ü", "--scope", "events", "--config", config]) == 0
    capsys.readouterr()
    assert cli.main(["users", "list", "--json", "--config", config]) == 0
    assert json.loads(capsys.readouterr().out) == [{"name": "shop ü", "scopes": ["events"]}]
    files = [file for file in (tmp_path / "runs").rglob("*") if file.is_file()]
    assert not any(PASSWORD.encode() in file.read_bytes() for file in files)
    assert cli.main(["users", "remove", "shop ü", "--config", config]) == 0
    assert cli.main(["users", "remove", "shop ü", "--config", config]) == 1
    assert "the database has no such user" in capsys.readouterr().err


@pytest.mark.usefixtures("typed")
def test_put_a_name_that_cannot_be_one_is_refused(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["users", "put", "x" * 129, "--config", config]) == 1
    assert "NAME: a name must have 1 to 128 bytes" in capsys.readouterr().err


def test_without_the_group_serve_the_message_says_what_to_install(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for command in (["users", "list"], ["events", "export"], ["forget", "u1"]):
        assert cli.main([*command, "--config", config]) == 1
        assert "uv sync --group serve" in capsys.readouterr().err


@pytest.mark.e2e
def test_help_needs_no_library_of_the_service(config: str) -> None:
    blocked = "import sys; sys.modules.update(dict.fromkeys(('sqlalchemy', 'alembic', 'argon2', 'fastapi')))"
    code = f"{blocked}; from pipeline.commands import cli; cli.main(['users', '--help'])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_export_without_events_writes_the_list_of_the_forgotten_and_says_so(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["events", "export", "--config", config]) == 0
    assert capsys.readouterr().out == "Events: the service has taken none yet.\n"
    names = {file.name for file in (tmp_path / "runs" / "shop" / "events").iterdir()}
    assert names == {"forgotten.key", "forgotten.bin", "events.json"}


def test_forget_without_log_events_warns_that_runs_do_not_know(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert yaml.safe_load(Path(config).read_text())["log"] == {"path": "log.csv"}
    assert cli.main(["forget", "u-nobody", "--config", config]) == 0
    said = capsys.readouterr().out
    assert "Deleted 0 event(s)" in said
    assert "0 run(s) on this machine" in said
    assert "Warning: log.events is false" in said
    assert "u-nobody" not in said
