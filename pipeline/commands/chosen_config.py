"""Chooses the YAML that a command reads: the one that is named, else the one in the current folder, else the sample."""

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import ConfigError
from pipeline.ground.terminal import say

if TYPE_CHECKING:  # configs and YAML take a third of a second to import, which `--help` would wait for
    from configs.pipeline import PipelineConfig

_LARGEST_BYTES = 1 << 17
"""Largest file that counts as a config: configs have a few KiB, and a large YAML with data takes seconds to parse."""

_FIELDS = ("name", "log")
"""Fields that every pipeline's YAML has; few other YAML files have both."""


def load(arguments: argparse.Namespace) -> "PipelineConfig":
    """Reads the config for a command.

    Args:
        arguments: The command's arguments; `config` is the value of `--config`, or None. With `compare`, runs compare
            models; with `tune`, the config has a section `tuner`.

    Raises:
        ConfigError: The file cannot be used, or several in the current folder could be meant.
    """
    from configs.load import load_config

    config = load_config(chosen(arguments.config))
    if getattr(arguments, "compare", False):
        return config.compared()
    return config.searched() if getattr(arguments, "tune", False) else config


def chosen(named: str | None) -> str:
    """Chooses the YAML. If no file is named, a line on standard error says which one is used.

    Args:
        named: The value of `--config`. None: the option is not given.

    Raises:
        ConfigError: No file is named, and the current folder has several configs.
    """
    if named is not None:
        return named
    from configs.load import CONFIG_VARIABLE, DEFAULT_CONFIG

    if in_environment := os.environ.get(CONFIG_VARIABLE):
        return in_environment
    found = configs_in(Path.cwd())
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise ConfigError(
            f"{Path.cwd()} has {len(found)} pipeline configs: {names}. Name one with --config or ${CONFIG_VARIABLE}."
        )
    if found:
        say(f"Config: {found[0].name}, the only one in this folder.", stderr=True)
        return str(found[0])
    say(f"Config: the sample {DEFAULT_CONFIG.name}, since none is named and this folder has none.", stderr=True)
    return str(DEFAULT_CONFIG)


def configs_in(folder: Path) -> list[Path]:
    """Lists the pipeline configs in a folder, by name; also those with mistakes, which are reported when loaded.

    Args:
        folder: The folder; folders in it are not searched.
    """
    files = sorted(file for ending in ("*.yaml", "*.yml") for file in folder.glob(ending) if file.is_file())
    return [file for file in files if file.stat().st_size <= _LARGEST_BYTES and _is_config(file)]


def _is_config(file: Path) -> bool:
    from common.yaml_errors import NOT_YAML
    from configs.yaml_text import read_yaml

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    try:
        values = read_yaml(text).values
    except NOT_YAML:  # may be a config with a typing error; YAML of other tools may have custom tags
        return all(re.search(rf"^{field}\s*:", text, flags=re.MULTILINE) for field in _FIELDS)
    return isinstance(values, dict) and all(field in values for field in _FIELDS)
