"""Makes `docs/config.md`, the reference of the YAML, from the config models and the docstrings under their fields.

`make docs` writes the file, and a test fails if it is not current.
"""

import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

from pydantic.fields import FieldInfo

from configs.base import Settings
from configs.models.ranges import Range
from configs.pipeline import PipelineConfig

_WIDTH = 120

_HEAD = """\
# The configuration

`make docs` writes this page from the docstrings in `configs/`; edit them there.

One YAML file configures one pipeline. [Your own data](own-data.md) explains one for a shop, and `configs/` has five to
start from. Each field below is followed by its type and its default. "None" means that the field is left out, or is
`null`. An unknown field is an error, and so are infinity and not-a-number. An error names the file, the field, the
value received and the values allowed.
"""

_UNITS = {"seconds": "seconds", "days": "days", "ms": "milliseconds", "gb": "GB"}
"""The unit of a field by the last word of its name."""

_EXAMPLE = re.compile(r"^Example:\n((?:[ ]{4}.*\n?|\n)+)", flags=re.MULTILINE)

_LONG_LIST = 80
"""A list of more characters is written value by value, so that lines can be wrapped."""

_KEPT = "\0"
"""Replaces a space at which no line may end."""

_PLAIN_TEXT = re.compile(r"[A-Za-z./~][\w./~ -]*")
"""Text that needs no quotes in YAML."""


class Section(NamedTuple):
    """One config model at its first place in the YAML."""

    path: str
    """Names of the fields that lead to it, with dots between; empty for the whole file."""

    model: type[Settings]

    @property
    def heading(self) -> str:
        """The section's heading in Markdown, without its marks."""
        kind = self.model.model_fields.get("kind")
        names = get_args(kind.annotation) if kind else ()
        suffix = f", `kind: {names[0]}`" if len(names) == 1 else ""
        return f"`{self.path}`{suffix}" if self.path else "The whole file"

    @property
    def link(self) -> str:
        """A Markdown link to the section."""
        anchor = re.sub(r"[^\w -]", "", self.heading.lower()).replace(" ", "-")
        return f"[{self.heading}](#{anchor})"


def reference(root: type[Settings] = PipelineConfig) -> str:
    """Describes every field of a config.

    Args:
        root: The model of the whole file.

    Returns:
        Markdown: a section for each model, each field with its type, unit, default and docstring.
    """
    found = list(sections(root))
    return "\n".join([_HEAD, *(_section(section, found) for section in found)])


def sections(root: type[Settings], path: str = "") -> Iterator[Section]:
    """Finds a config's models, each once, in the order in which the YAML has them.

    Args:
        root: The model to begin with.
        path: Its path in the YAML.
    """
    seen = set()
    for section in _walk(root, path):
        if section.model not in seen:
            seen.add(section.model)
            yield section


def _walk(model: type[Settings], path: str) -> Iterator[Section]:
    yield Section(path, model)
    for name, field in model.model_fields.items():
        inside = ".".join(filter(None, [path, name]))
        for inner in _models(field.annotation):
            yield from _walk(inner, f"{inside}.<name>" if _is_mapping(model, name) else inside)


def _models(annotation: Any) -> Iterator[type[Settings]]:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _is_mapping(model: type[Settings], name: str) -> bool:
    return "additionalProperties" in model.model_json_schema()["properties"][name]


def _section(section: Section, found: list[Section]) -> str:
    text = inspect.getdoc(section.model) or ""
    example = _EXAMPLE.search(text)
    blocks = [f"## {section.heading}", _wrapped(_EXAMPLE.sub("", text))]
    if example:
        blocks.append(f"```yaml\n{textwrap.dedent(example[1]).strip()}\n```")
    properties = section.model.model_json_schema()["properties"]
    space: Mapping[str, Range] = getattr(section.model, "SPACE", {})
    fields = [
        _field(
            name,
            field,
            properties[name],
            [other for other in found if other.model in _models(field.annotation)],
            space.get(name),
        )
        for name, field in section.model.model_fields.items()
    ]
    return "\n\n".join(blocks) + "\n\n" + "\n".join(fields) + "\n"


def _field(
    name: str, field: FieldInfo, schema: dict[str, Any], inner: list[Section], searched: Range | None = None
) -> str:
    if inner:
        mapping = "mapping of names to " if "additionalProperties" in schema else ""
        kind = f"{mapping}section {' or '.join(section.link for section in inner)}"
    else:
        unit = _UNITS.get(name.rsplit("_", 1)[-1])
        kind = _type(schema) + (f", in {unit}" if unit else "")
    tuned = f"; a tuner searches {searched}" if searched is not None else ""
    default = _default(field, is_section=bool(inner))
    return _wrapped(f"`{name}` ({kind}; {default}{tuned}). {field.description}", "- ", "  ")


def _default(field: FieldInfo, *, is_section: bool) -> str:
    if field.is_required():
        return "required"
    default = field.default
    if default is None:
        return "default: none"
    if is_section:
        return "optional"
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    if isinstance(default, str) and _PLAIN_TEXT.fullmatch(default):
        return f"default `{default}`"
    written = json.dumps(default, ensure_ascii=False)
    if isinstance(default, tuple) and len(written) > _LONG_LIST:
        return f"default {', '.join(f'`{json.dumps(value, ensure_ascii=False)}`' for value in default)}"
    return f"default `{written}`"


def _type(schema: dict[str, Any]) -> str:
    """The name of a type, in the words of a person who writes YAML."""
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(_type(choice) for choice in choices if choice.get("type") != "null")
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}"
    if schema["type"] == "object":
        (values,) = schema.get("patternProperties", {"": schema.get("additionalProperties")}).values()
        return f"mapping of names to {_type(values)}"
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    return names[schema["type"]] + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    """The limits of a number, or of the length of a text, for the line with its type; empty if there are none."""
    if schema["type"] == "string":
        return {(1, None): ", not empty", (None, None): ""}.get(
            (schema.get("minLength"), schema.get("maxLength")),
            f" of {schema.get('minLength', 0)} to {schema.get('maxLength')} character(s)",
        )
    if "minimum" in schema and "maximum" in schema:
        return f" from {schema['minimum']} to {schema['maximum']}"
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    found = [f"{word} {schema[key]}" for key, word in words.items() if key in schema]
    return f", {' and '.join(found)}" if found else ""


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    """Wraps paragraphs at the width of a line; a span of code stays on one line, and a percent sign by its number."""
    wrap = textwrap.TextWrapper(_WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent=rest)
    lines = []
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        wrap.initial_indent = rest if number else first
        joined = re.sub(r"`[^`]+`|\d %", lambda found: found[0].replace(" ", _KEPT), " ".join(paragraph.split()))
        lines.append(wrap.fill(joined).replace(_KEPT, " "))
    return "\n\n".join(lines)


if __name__ == "__main__":
    print(reference(), end="")
