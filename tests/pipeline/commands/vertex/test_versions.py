"""The commands: what they print, and what is refused before anything is asked of Google Cloud."""

import json
from pathlib import Path

import pytest
import yaml

from configs.load import DEFAULT_CONFIG
from pipeline.commands import cli
from tests.pipeline.cloud.registry.worlds import ENDPOINT, IMAGE, World


def write(world: World, folder: Path, registry: bool = True, api_endpoint: str | None = None) -> str:
    """The world's config as a file."""
    values = yaml.safe_load(DEFAULT_CONFIG.read_text())
    values["vertex"] |= {
        "api_endpoint": api_endpoint or world.server.url,
        "serving_dir": f"gs://{world.bucket}/serving",
    }
    if registry:
        values["vertex"]["registry"] = {"serving_image": IMAGE, "endpoint": ENDPOINT}
    values |= {"output_dir": str(folder / "runs"), "schema_dir": str(folder / "schemas")}
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(values))
    return str(file)


def test_versions_and_rollback_tell_what_is_where(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, config = write(world, tmp_path), world.config({"endpoint": ENDPOINT})
    for name in "ab":
        world.run(name, config)
    assert cli.main(["vertex", "versions", "list", "--config", file, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    shown = [(row["version"], row["live"], row["registry_version"], row["aliases"], row["traffic"]) for row in rows]
    assert shown == [(1000, False, 1, ["previous"], None), (1001, True, 2, ["blessed", "default"], 100)]

    assert cli.main(["vertex", "versions", "rollback", "--config", file]) == 0
    out = capsys.readouterr().out
    assert "Rolling back to version 1000." in out
    assert f"The model of version 1000 is live again, as version 1002 of gs://{world.bucket}/serving." in out
    assert "/models/movielens-100k@1 is the blessed model." in out
    assert "It gets all the traffic of the Endpoint." in out
    assert f"Version 1001 ({world.digests['b'][:12]}) is withdrawn: it is not pushed again." in out
    assert "The next run compares with this model." in out

    assert cli.main(["vertex", "versions", "list", "--config", file]) == 0
    table = [line for line in capsys.readouterr().out.splitlines() if "│" in line]
    assert [word in table[-1] for word in ("1002", "live, back to 1000", "blessed, default", "100 %")] == [True] * 4
    assert "withdrawn" in table[-2]


def test_versions_retired_from_the_folder_is_listed_as_gone(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = world.config({}, keep=1)
    for name in "ab":
        world.run(name, config)
    assert cli.main(["vertex", "versions", "list", "--config", write(world, tmp_path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["version"], row["registry_version"], row["model_digest"]) for row in rows] == [
        (None, 1, world.digests["a"]),
        (1001, 2, world.digests["b"]),
    ]
    assert rows[0].keys() == rows[1].keys()


def test_versions_without_registry_asks_google_cloud_nothing(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.push("a", world.config({}))
    assert cli.main(["vertex", "versions", "list", "--config", write(world, tmp_path, registry=False), "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["version"], row["registry_version"], row["aliases"], row["traffic"]) == (1000, None, [], None)
    assert world.server.requests == []


def test_rollback_nothing_pushed_is_reported(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["vertex", "versions", "rollback", "--config", write(world, tmp_path)]) == 1
    assert "ModelError: no model has been pushed to gs://" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["list", "rollback"])
def test_commands_config_without_vertex_is_reported(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    file = Path(write(world, tmp_path))
    values = yaml.safe_load(file.read_text())
    del values["vertex"]
    file.write_text(yaml.safe_dump(values))
    assert cli.main(["vertex", "versions", command, "--config", str(file)]) == 1
    assert "ConfigError: pipeline movielens-100k: the config has no 'vertex' section" in capsys.readouterr().err


def test_versions_folder_that_may_not_be_read_is_reported(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(world, tmp_path)
    refused: tuple[int, dict[str, str], bytes] = (403, {}, b'{"error": {"code": 403, "message": "no access"}}')
    monkeypatch.setattr(world.store, "answer", lambda *asked: refused)
    for command in ("list", "rollback"):
        assert cli.main(["vertex", "versions", command, "--config", file]) == 1
        assert f"OutputError: gs://{world.bucket}/serving cannot be read" in capsys.readouterr().err
