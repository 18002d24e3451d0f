"""Writes the config with what was found, and why."""

import json
import os
import re
import shlex
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.commands.init.guess_catalogue import CatalogueGuess
from pipeline.commands.init.guess_log import LogGuess
from pipeline.commands.init.heads import Head
from pipeline.commands.init.notes import Note

NOT_SURE = "NOT SURE"
"""What stands before a guess that a person must look at."""

_WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def config_text(
    name: str,
    paths: Mapping[str, str],
    output: Path,
    log: tuple[Head, LogGuess],
    catalogue: tuple[Head, CatalogueGuess] | None,
    ids: tuple[dict[str, bool], Note] | None,
) -> str:
    """Writes the YAML.

    Args:
        name: The pipeline's name.
        paths: `log` and `catalogue` to the path or glob, as it was given.
        output: The file that the text is for; its folder is where relative paths start.
        log: The log's beginning and the guess.
        catalogue: The catalogue's; None if there is none.
        ids: The section `ids`, and why it is needed; None if it is not.
    """
    head, guess = log
    lines = [
        f"# Written by `perennial init` after a look at {_looked_at(head)}.",
        f"# Each comment says why a field is as it is. Look at what is marked {NOT_SURE}. All fields: docs/config.md",
        f"# Then: perennial check --config {shlex.quote(output.name)}",
        f"name: {_scalar(name)}",
        "",
        "log:",
        f"  path: {_scalar(_path(paths['log'], output))}",
        *_format(head.format, head.notes),
        "  columns:",
    ]
    for role, place in sorted(guess.columns.items(), key=lambda one: _ROLES.index(one[0])):
        lines += _field(4, role, head.column(place), guess.notes.get(role))
    for field in ("timestamp_unit", "event_weights", "cleaning", "split"):
        if field in guess.settings:
            lines += _field(2, field, guess.settings[field], guess.notes.get(field))
    if guess.good_rating is not None:
        lines += _comment(2, "Every rating counts as a like. To learn from good ratings alone, set for instance:")
        lines += [f"  # cleaning: {{positive_min: {_scalar(guess.good_rating)}}}"]
    if catalogue is not None:
        lines += ["", *_catalogue(paths["catalogue"], output, *catalogue)]
    if ids is not None:
        lines += ["", *_field(0, "ids", *ids)]
    lines += ["", "# Where runs leave models, reports and pages.", "output_dir: runs"]
    return "\n".join(lines) + "\n"


_ROLES = ("user_id", "item_id", "value", "timestamp")


def _looked_at(head: Head) -> str:
    rows = f"all {head.rows:,} rows" if head.is_whole else f"{head.rows:,} rows"
    return f"{rows} of {head.files[0].name if len(head.files) == 1 else f'{len(head.files)} files'}"


def _catalogue(path: str, output: Path, head: Head, guess: CatalogueGuess) -> Iterator[str]:
    yield "catalogue:"
    yield f"  path: {_scalar(_path(path, output))}"
    yield from _format({**head.format, **guess.format}, {**head.notes, **guess.notes})
    yield from _field(2, "item_id", head.column(guess.item_id), guess.notes.get("item_id"))
    if guess.title is not None:
        yield from _field(2, "title", head.column(guess.title), guess.notes.get("title"))
    if guess.features:
        yield "  features:"
        for name, feature in guess.features.items():
            yield from _field(4, name, feature, guess.notes.get(f"features.{name}"))
    if guess.left_out:
        yield from _comment(2, "Columns that are no features:")
        for column, reason in guess.left_out.items():
            yield from _comment(4, f"{column}: {reason}")


def _format(form: Mapping[str, Any], notes: Mapping[str, Note]) -> Iterator[str]:
    if form:
        yield "  format:"
    else:
        yield from _comment(2, f"format: comma, header, UTF-8. The separator is {notes['separator'].reason}.")
    for field, value in form.items():
        yield from _field(4, field, value, notes.get(field))


def _field(indent: int, name: str, value: Any, note: Note | None) -> list[str]:
    said = []
    if note is not None:
        text = note.reason if note.is_sure else f"{NOT_SURE}: {note.reason}"
        said = _comment(indent, f"{text}. Else: {note.otherwise}" if note.otherwise and not note.is_sure else text)
    return [*said, f"{' ' * indent}{_scalar(name)}: {_value(value)}"]


def _comment(indent: int, text: str) -> list[str]:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return [f"{' ' * indent}# {line}" for line in textwrap.wrap(text, _WIDTH - indent, break_on_hyphens=False)]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """Writes a value so that YAML 1.1 and 1.2 read the same."""
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _WORDS
        return value if is_plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value)


def _path(given: str, output: Path) -> str:
    """The path as it stands in the YAML: relative to its folder if it lies below that."""
    if "://" in given:
        return given
    path = Path(os.path.abspath(os.path.expanduser(given)))
    folder = Path(os.path.abspath(output)).parent
    text = str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
    return text.replace("$", "$$")
