"""Reads a pipeline's YAML into its config; every fault is a ConfigError that names the file and the field."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from common.errors import ConfigError
from common.yaml_errors import NOT_YAML
from configs.pipeline import PipelineConfig

CONFIG_VARIABLE = "PERENNIAL_CONFIG"
"""The environment variable that names the YAML for the runners: the `tfx` CLI passes them no arguments."""

DEFAULT_CONFIG = Path(__file__).parent / "movielens-100k.yaml"

_SAMPLES_DIR = Path(__file__).resolve().parent
"""The folder of the sample configs, which are part of the package."""


def load_config(path: str | os.PathLike[str]) -> PipelineConfig:
    """Reads and checks one YAML file.

    Args:
        path: The file. Relative paths inside it start at its folder. One exception: in a sample config of the installed
            package, `output_dir` starts at the current folder, because runs do not belong in `site-packages`.

    Returns:
        The config, with absolute local paths; `gs://` and `dataset://` paths stay as they are.

    Raises:
        ConfigError: The file is missing, is not YAML, or a field does not fit.
    """
    file = Path(path).expanduser().resolve()
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as e:
        raise ConfigError(f"{file}: cannot be read ({e.strerror}). Name a YAML file, such as {DEFAULT_CONFIG}.") from e
    except NOT_YAML as e:
        raise ConfigError(f"{file}: is not YAML: {e}") from e
    if not isinstance(values, dict):
        raise ConfigError(f"{file}: holds {type(values).__name__}, not a mapping of the fields of a pipeline.")
    try:
        config = PipelineConfig.model_validate(values)
    except ValidationError as e:
        lines = _explain(e, values)
        raise ConfigError("\n".join([f"{file}: {len(lines)} field(s) do not fit:", *lines])) from e
    return _with_absolute_paths(config, file.parent)


def config_from_environment() -> PipelineConfig:
    """Reads the YAML that PERENNIAL_CONFIG names, or MovieLens 100K's.

    Raises:
        ConfigError: For the same reasons as `load_config`.
    """
    return load_config(os.environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)


def config_digest(config: PipelineConfig) -> str:
    """SHA-256 of the settings that decide the model, as 64 hexadecimal digits.

    It does not depend on the pipeline's name, on where it runs, or on where the data is; the content of the data has a
    digest of its own. It does not depend on the order of keys: event weights are looked up by name, and every component
    gets features and flags sorted, because TFX's `json_utils` and ours sort keys. So the order in the YAML changes
    neither the Examples nor the towers, where a sum depends on the order of its terms. The order of a list counts.
    """
    decisive = config.model_dump(
        mode="json",
        include={"log", "catalogue", "trainer", "serving"},
        exclude={"log": {"path"}, "catalogue": {"path"}},
    )
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _explain(error: ValidationError, values: dict[str, Any]) -> list[str]:
    """Makes one line for each field: if a value may have several types, pydantic reports one error for each type."""
    complaints: dict[str, list[str]] = {}
    received: dict[str, str] = {}
    for fault in error.errors(include_url=False):
        field = _field(fault["loc"], values, missing=fault["type"] == "missing")
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            allowed = {name for node in _schemas(fault["loc"][:-1]) for name in node.get("properties", {})}
            message = f"no such field; allowed here: {', '.join(sorted(allowed))}"
        elif fault["type"] == "union_tag_not_found":
            kinds = [repr(node["properties"]["kind"]["const"]) for node in _schemas(fault["loc"])]
            message = f"has no 'kind'; allowed: {', '.join(kinds)}"
        complaints.setdefault(field, []).append(message)
        value = repr(fault["input"])
        received[field] = value if len(value) <= 80 else f"{value[:77]}..."
    return [
        f"  {field}: {'; or: '.join(of_field)}. Received: {received[field]}" for field, of_field in complaints.items()
    ]


def _field(location: tuple[int | str, ...], values: Any, *, missing: bool) -> str:
    """The path of a field in the YAML, without the names of types that pydantic adds."""
    parts = list(location[-1:]) if missing else []
    path = []
    for part in location[: len(location) - len(parts)]:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            continue  # the name of a type
        path.append(str(part))
    return ".".join([*path, *map(str, parts)]) or "(top level)"


def _schemas(location: tuple[int | str, ...]) -> list[dict[str, Any]]:
    """The JSON schemas of the models that are possible at a location, found by walking from the top."""
    schema: dict[str, Any] = PipelineConfig.model_json_schema()
    definitions = schema["$defs"]

    def alternatives(node: dict[str, Any]) -> list[dict[str, Any]]:
        if "$ref" in node:
            return alternatives(definitions[node["$ref"].rsplit("/", 1)[1]])
        branches = node.get("anyOf") or node.get("oneOf")
        return [leaf for branch in branches for leaf in alternatives(branch)] if branches else [node]

    nodes = [schema]
    for part in location:
        found: list[dict[str, Any]] = []
        for node in nodes:
            if part in node.get("properties", {}):
                found += alternatives(node["properties"][part])
            elif isinstance(node.get("additionalProperties"), dict):
                found += alternatives(node["additionalProperties"])
            elif node.get("properties", {}).get("kind", {}).get("const") == part:
                found.append(node)
        nodes = found
    return nodes


def _is_installed(folder: Path) -> bool:
    """Whether a folder is that of the samples in an installed package; in a checkout, pyproject.toml is beside it."""
    return folder == _SAMPLES_DIR and not (folder.parent / "pyproject.toml").exists()


def _with_absolute_paths(config: PipelineConfig, folder: Path) -> PipelineConfig:
    def absolute(path: str) -> str:
        return path if "://" in path else os.path.normpath(folder / Path(path).expanduser())

    log_path = config.log.path
    resolved = absolute(log_path) if isinstance(log_path, str) else {k: absolute(v) for k, v in log_path.items()}
    changes: dict[str, Any] = {
        "log": config.log.model_copy(update={"path": resolved}),
        "output_dir": str(Path.cwd() / "runs") if _is_installed(folder) else absolute(config.output_dir),
        "schema_dir": absolute(config.schema_dir),
    }
    if config.catalogue is not None:
        changes["catalogue"] = config.catalogue.model_copy(update={"path": absolute(config.catalogue.path)})
    return config.model_copy(update=changes)
