"""Reads a pipeline's YAML into its config; every fault is a ConfigError that names the file and the field."""

import copy
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from common.credentials import without_credentials
from common.errors import ConfigError
from common.yaml_errors import NOT_YAML
from configs.base import Settings
from configs.paths import PathError, expanded, resolved
from configs.pipeline import PipelineConfig
from configs.yaml_text import Path as YamlPath
from configs.yaml_text import RepeatedKeyError, YamlText, read_yaml

CONFIG_VARIABLE = "PERENNIAL_CONFIG"
"""The environment variable that names the YAML for the runners: the `tfx` CLI passes them no arguments."""

DEFAULT_CONFIG = Path(__file__).parent / "movielens-100k.yaml"

_FILES_OF_THE_SERVICE = (
    ("service", "serving_dir"),
    ("service", "cache_dir"),
    ("service", "auth", "keys_file"),
    ("service", "auth", "users_file"),
    ("service", "database", "password_file"),
    ("service", "tf_serving", "ca_file"),
    ("service", "tf_serving", "certificate_file"),
    ("service", "tf_serving", "key_file"),
)

_PATHS = (
    ("log", "path"),
    ("catalogue", "path"),
    ("output_dir",),
    ("schema_dir",),
    ("vertex", "pipeline_root"),
    ("vertex", "data_dir"),
    ("vertex", "serving_dir"),
    ("vertex", "schema_dir"),
    *_FILES_OF_THE_SERVICE,
)
"""The fields that hold paths, in which variables are replaced."""

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
        document = read_yaml(file.read_text(encoding="utf-8"))
    except OSError as e:
        raise ConfigError(f"{file}: cannot be read ({e.strerror}). Name a YAML file, such as {DEFAULT_CONFIG}.") from e
    except RepeatedKeyError as e:
        raise ConfigError(f"{file}: {e}") from e
    except NOT_YAML as e:
        raise ConfigError(f"{file}: is not YAML: {e}") from e
    if not isinstance(document.values, dict):
        raise ConfigError(f"{file}: holds {type(document.values).__name__}, not a mapping of the fields of a pipeline.")
    try:
        # As JSON, a list may be a tuple; strict, a boolean or a fraction is no name and no whole number.
        values = _with_variables(document.values, file)
        config = PipelineConfig.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as e:
        lines = _explain(e, document)
        raise ConfigError("\n".join([f"{file}: {len(lines)} field(s) do not fit:", *lines])) from e
    except (TypeError, ValueError, RecursionError) as e:  # from json.dumps: a tag such as !!binary, or a circle
        raise ConfigError(
            f"{file}: holds a value that no field can have ({e}). Use texts, numbers, lists and mappings."
        ) from e
    return _with_absolute_paths(config, file)


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
    return _digest(config, {"log", "catalogue", "ids", "trainer", "compare", "serving"})


def digest_beside_models(config: PipelineConfig) -> str:
    """The same of the settings that decide every model: without those of `trainer`, and of candidates.

    So a model need not be trained again because the settings of another one have changed.
    """
    return _digest(config, {"log", "catalogue", "ids", "serving"})


def _digest(config: PipelineConfig, sections: set[str]) -> str:
    decisive = config.model_dump(
        mode="json",
        include=sections,
        exclude={"log": {"path"}, "catalogue": {"path"}, "compare": {"every_run", "metric", "mlflow"}},
    )
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _with_variables(values: dict[str, Any], file: Path) -> dict[str, Any]:
    """Copies the values of a YAML with the variables of the environment in its paths replaced."""
    values = copy.deepcopy(values)
    for *section, name in _PATHS:
        holder: Any = values
        for part in section:
            holder = holder.get(part) if isinstance(holder, dict) else None
        paths = holder.get(name) if isinstance(holder, dict) else None
        if isinstance(paths, dict):  # the log's path by split
            holder, names = paths, list(paths)
        else:
            names = [name] if paths is not None else []
        for each in names:
            path = holder[each]
            try:
                holder[each] = expanded(path) if isinstance(path, str) else path
            except PathError as e:
                raise ConfigError(f"{file}: {'.'.join([*section, name])}: {e} Received: {path!r}.") from e
    return values


def _explain(error: ValidationError, document: YamlText) -> list[str]:
    """Makes one line for each field: if a value may have several types, pydantic reports one error for each type."""
    complaints: dict[YamlPath, list[str]] = {}
    endings: dict[YamlPath, str] = {}
    for fault in error.errors(include_url=False):
        path = _path(fault["loc"], document.values, missing=fault["type"] == "missing")
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            allowed = {name for node in _schemas(fault["loc"][:-1]) for name in node.get("properties", {})}
            message = f"no such field; allowed here: {', '.join(sorted(allowed))}"
        elif fault["type"] == "union_tag_not_found":
            kinds = [repr(node["properties"]["kind"]["const"]) for node in _schemas(fault["loc"])]
            message = f"has no 'kind'; allowed: {', '.join(kinds)}"
        complaints.setdefault(path, []).append(message)
        value = without_credentials(repr(fault["input"]))
        endings.setdefault(path, f"Received: {value if len(value) <= 80 else f'{value[:77]}...'}")
        if fault["type"] == "string_type" and (written := document.written(path)) and written[1]:
            endings[path] = f"Received: {written[1]}. If this is a name, write it in quotes: {json.dumps(written[1])}"
    lines = []
    for path, messages in complaints.items():
        written = document.written(path)
        place = f" (line {written[0]})" if written else ""
        name = ".".join(map(str, path)) or "(top level)"
        lines.append(f"  {name}: {'; or: '.join(dict.fromkeys(messages))}. {endings[path]}{place}")
    return lines


def _path(location: tuple[int | str, ...], values: Any, *, missing: bool) -> YamlPath:
    """The path of a field in the YAML, without the names of types that pydantic adds."""
    parts = location[-1:] if missing else ()
    path: YamlPath = ()
    for part in location[: len(location) - len(parts)]:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            continue  # the name of a type
        path = (*path, part)
    return (*path, *parts)


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


def _with_absolute_paths(config: PipelineConfig, file: Path) -> PipelineConfig:
    def absolute(field: str, path: str, glob: bool = False) -> str:
        try:
            return resolved(path, file.parent, glob=glob)
        except PathError as e:
            raise ConfigError(f"{file}: {field}: {e} Received: {path!r}.") from e

    given = config.log.path
    log_path: str | dict[Any, str]
    if isinstance(given, str):
        log_path = absolute("log.path", given, glob=True)
    else:
        log_path = {split: absolute(f"log.path.{split}", path, glob=True) for split, path in given.items()}
    output_dir = absolute("output_dir", config.output_dir)
    changes: dict[str, Any] = {
        "log": config.log.model_copy(update={"path": log_path}),
        "output_dir": str(Path.cwd() / "runs") if _is_installed(file.parent) else output_dir,
        "schema_dir": absolute("schema_dir", config.schema_dir),
    }
    if config.catalogue is not None:
        path = absolute("catalogue.path", config.catalogue.path, glob=True)
        changes["catalogue"] = config.catalogue.model_copy(update={"path": path})
    config = config.model_copy(update=changes)
    for field in _FILES_OF_THE_SERVICE:
        config = _replaced(config, field, partial(absolute, ".".join(field)))
    return config


S = TypeVar("S", bound=Settings)


def _replaced(settings: S, field: Sequence[str], value: Callable[[str], str]) -> S:
    """Copies settings with one text, which may be nested, replaced; a section or text that is not set stays so."""
    name, *inner = field
    old = getattr(settings, name)
    if isinstance(old, Settings):
        return settings.model_copy(update={name: _replaced(old, inner, value)})
    return settings.model_copy(update={name: value(old)}) if isinstance(old, str) and not inner else settings
