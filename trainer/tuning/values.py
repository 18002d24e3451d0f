"""Reads and changes settings by dotted names, such as `temperature` or `parts.0.temperature`."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import JsonValue, ValidationError

from common.errors import TrainingError
from configs.base import Settings

S = TypeVar("S", bound=Settings)


def values_of(settings: Settings, names: Iterable[str], where: str = "The ranges") -> dict[str, JsonValue]:
    """The values of some settings, by name.

    Args:
        settings: The settings.
        names: The names.
        where: Where the names come from, for the message.

    Raises:
        TrainingError: There is no such setting.
    """
    dumped = settings.model_dump(mode="json")
    places = {name: _holder(dumped, name, where) for name in names}
    return {name: holder[key] for name, (holder, key) in places.items()}


def with_values(settings: S, values: Mapping[str, JsonValue], where: str) -> S:
    """Changes settings; the class of the settings checks the result, as it checks a YAML.

    Args:
        settings: The settings.
        values: New values by name.
        where: Where the values come from, for the message.

    Raises:
        TrainingError: There is no such setting, or a value does not fit.
    """
    dumped = settings.model_dump(mode="json")
    for name, value in values.items():
        holder, key = _holder(dumped, name, where)
        holder[key] = value
    try:
        return type(settings).model_validate_json(json.dumps(dumped), strict=True)
    except ValidationError as e:
        faults = [
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}, received {fault['input']!r}"
            for fault in e.errors(include_url=False)
        ]
        raise TrainingError(f"{where} do not fit trainer: {'; '.join(faults)}. Search again.") from e


def _holder(dumped: Any, name: str, where: str) -> tuple[Any, Any]:
    """The dictionary or list that holds a setting, and its key there."""
    *path, last = name.split(".")
    holder = dumped
    for part in path:
        holder = _inside(holder, part)
    key: Any = int(last) if isinstance(holder, list) and last.isdecimal() else last
    if _inside(holder, last) is _MISSING:
        kind = dumped.get("kind")
        raise TrainingError(
            f"{where} hold {name}, which is no setting of trainer (kind {kind}). Search again with this version."
        )
    return holder, key


_MISSING = object()


def _inside(holder: Any, part: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(part, _MISSING)
    if isinstance(holder, list) and part.isdecimal() and int(part) < len(holder):
        return holder[int(part)]
    return _MISSING
