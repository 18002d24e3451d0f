"""Every YAML in the documents is a config, or a part of one."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from common.errors import ConfigError
from configs.load import load_config
from tests.docs.markdown import GUIDES, fences, name

WHOLE: dict[str, Any] = {"name": "sample", "log": {"path": "log.csv", "columns": {"timestamp": "time"}}}
"""What a part of a config is put into."""

VERTEX = {
    "project": "my-project",
    "region": "europe-west4",
    "pipeline_root": "gs://my-bucket/artifacts",
    "data_dir": "gs://my-bucket/datasets",
    "serving_dir": "gs://my-bucket/serving",
    "image": "pipeline@sha256:0123456789abcdef",
}
SNIPPETS = [
    pytest.param(snippet, id=f"{name(document)}-{number}")
    for document in GUIDES
    for number, snippet in enumerate(fences(document, "yaml"))
]


def _merged(whole: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    mappings = {
        key: value for key, value in part.items() if isinstance(value, dict) and isinstance(whole.get(key), dict)
    }
    return {**whole, **part, **{key: _merged(whole[key], value) for key, value in mappings.items()}}


def _load(snippet: str, folder: Path) -> None:
    part = yaml.safe_load(snippet)
    whole = {**WHOLE, "vertex": VERTEX} if "vertex" in part else WHOLE
    file = folder / "sample.yaml"
    file.write_text(yaml.safe_dump(part if {"name", "log"} <= part.keys() else _merged(whole, part)), encoding="utf-8")
    load_config(file)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_is_a_config_or_a_part_of_one(snippet: str, tmp_path: Path) -> None:
    _load(snippet, tmp_path)


def test_snippet_with_a_wrong_field_is_found(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"vertex.dataflow.workers: no such field"):
        _load("vertex:\n  dataflow: {workers: 3}", tmp_path)


def test_there_are_snippets_of_every_guide_that_has_settings() -> None:
    found = {name(document) for document in GUIDES if fences(document, "yaml")}
    assert found >= {"README.md", "docs/config.md", "docs/gate.md", "docs/own-data.md", "docs/vertex.md"}
