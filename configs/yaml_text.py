"""Reads YAML so that it means what is written.

PyYAML follows YAML 1.1, in which `no`, `on` and `y` are booleans, `12:30` is the number 750, `010` is 8, and `1e-3` is
text. Here the core schema of YAML 1.2 decides: only `true` and `false` are booleans, and only what everybody reads as a
number is one. In a mapping, keys are the text that is written, and a key that stands twice is an error.
"""

import re
from dataclasses import dataclass
from typing import Any

import yaml

_TRUE_OR_FALSE = r"true|True|TRUE|false|False|FALSE"
_INTEGER = r"[-+]?(?:0|[1-9][0-9]*)"
_FLOAT = (
    r"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))"
    r"|\.(?:nan|NaN|NAN)"
)
_NULL = r"~|null|Null|NULL|"

Path = tuple[str | int, ...]
"""Keys and positions from the top of a document to a value."""


class RepeatedKeyError(ValueError):
    """A key stands twice in one mapping. The message names both lines."""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        if isinstance(node, yaml.MappingNode):
            self.flatten_mapping(node)  # merges what `<<` names
        values = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a text", key.start_mark)
            values[key.value] = self.construct_object(value, deep=deep)
        return values


for _tag, _pattern, _first in (
    ("bool", _TRUE_OR_FALSE, "tTfF"),
    ("int", _INTEGER, "-+0123456789"),
    ("float", _FLOAT, "-+0123456789."),
    ("null", _NULL, ["~", "n", "N", ""]),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first))


@dataclass(frozen=True)
class YamlText:
    """A YAML document."""

    values: Any
    """Its value: text, numbers, booleans, None, lists, and dicts whose keys are text."""

    root: yaml.Node | None
    """Its nodes; None for an empty document."""

    def written(self, path: Path) -> tuple[int, str | None] | None:
        """Finds a value in the text.

        Args:
            path: The path to it.

        Returns:
            The number of its line, from 1, and the value as it is written, without quotes; None instead of the value if
            it is a list, a mapping or in quotes. None if there is no such value.
        """
        node = self.root
        for part in path:
            node = _child(node, part)
        if node is None:
            return None
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return node.start_mark.line + 1, node.value if plain else None


def read_yaml(text: str) -> YamlText:
    """Reads the only document of a YAML text.

    Args:
        text: The text.

    Raises:
        RepeatedKeyError: A key stands twice in one mapping.
        yaml.YAMLError, ValueError, RecursionError: See `common.yaml_errors`; the text is not YAML.
    """
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        _refuse_repeated_keys(root)
        return YamlText(None if root is None else loader.construct_document(root), root)
    finally:
        loader.dispose()


def _child(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part] if part < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None


def _refuse_repeated_keys(root: yaml.Node | None) -> None:
    waiting, done = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in done:  # an alias leads to its anchor again
            continue
        done.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            first: dict[str, int] = {}
            for key, value in node.value:
                waiting += [key, value]
                if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                    continue
                line = key.start_mark.line + 1
                if key.value in first:
                    raise RepeatedKeyError(
                        f"the key {key.value!r} stands twice in one mapping, in line {first[key.value]} and in line "
                        f"{line}. Put what belongs to it in one place."
                    )
                first[key.value] = line
