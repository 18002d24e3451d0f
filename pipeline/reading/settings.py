"""Converts config and input globs to the form in which TFX's file-based ExampleGen carries them, and back."""

import json
import os
import re
from typing import Any

from google.protobuf import wrappers_pb2
from tfx.orchestration import data_types
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from pipeline.reading import spans

_GLOB = re.compile(r"[*?\[]")


def split_globs(paths: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Splits globs into the folder that they all start at and the rest, as ExampleGen's driver expects them.

    Args:
        paths: Input split to glob, which may hold `{SPAN}` and the like.

    Returns:
        The longest common folder without a wildcard, and input split to the pattern relative to that folder.
    """
    folders = []
    for path in paths.values():
        wildcard = _GLOB.search(spans.as_glob(path))
        folders.append(os.path.dirname(path[: wildcard.start()] if wildcard else path))
    scheme = re.match(r"[a-z0-9]+://", folders[0])
    base = os.path.commonpath(folders) if len(set(folders)) > 1 else folders[0]
    if scheme and len(set(folders)) > 1:
        # commonpath removes one of the two slashes after the scheme.
        base = scheme.group() + base.split(":/", 1)[1].lstrip("/")
    return base, {split: os.path.relpath(path, base) for split, path in paths.items()}


def input_base(folder: str, parameter: str | None) -> Any:
    """Returns the value of ExampleGen's `input_base`.

    Args:
        folder: The folder.
        parameter: Name of the RuntimeParameter by which a run may read another folder. None: every run reads `folder`.
    """
    return data_types.RuntimeParameter(parameter, str, folder) if parameter else folder


def pack(values: dict[str, Any]) -> Any:
    """Packs JSON values into ExampleGen's `custom_config`."""
    config = example_gen_pb2.CustomConfig()
    config.custom_config.Pack(wrappers_pb2.StringValue(value=json.dumps(values, sort_keys=True)))
    return config


def unpack(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """Returns the JSON values that `pack` packed, from the executor's properties."""
    config = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY], config)
    packed = wrappers_pb2.StringValue()
    config.custom_config.Unpack(packed)
    values: dict[str, Any] = json.loads(packed.value)
    return values


def input_globs(exec_properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Returns the folder and the patterns of the input splits, from the executor's properties."""
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.INPUT_CONFIG_KEY], config)
    base = exec_properties[standard_component_specs.INPUT_BASE_KEY]
    return base, {split.name: split.pattern for split in config.splits}
