"""The command `perennial init`."""

import argparse
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from common.atomicity import new_file
from common.errors import ConfigError
from pipeline.commands.arguments import add_command

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands
    from pipeline.commands.init.notes import Note


def add_parser(commands: "Commands") -> None:
    """Adds `init` to the command line.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "init",
        "write the first config, from a look at a log and a catalogue",
        _init,
        details="Looks at the beginning of the files, finds separator, header, encoding, the columns of users, items, "
        "times, ratings or event types, titles and features, and writes a YAML that says why each field is as it is. "
        "Look at what is marked NOT SURE, then run `perennial check`. It never replaces a file.",
        examples=[
            "perennial init ratings.csv",
            "perennial init 'events-*.csv' --catalogue articles.csv --output shop.yaml",
        ],
    )
    parser.add_argument("events", metavar="EVENTS", help="the log: a file, or a glob in quotes")
    parser.add_argument("--catalogue", metavar="ITEMS", help="the catalogue: a file, or a glob in quotes")
    parser.add_argument(
        "--output", metavar="YAML", help="write the config to this file (default: <name of the log>.yaml)"
    )


def _init(arguments: argparse.Namespace) -> None:
    from configs.load import load_config
    from pipeline.commands.init import guess_catalogue, guess_log, heads
    from pipeline.commands.init.writing import NOT_SURE, config_text

    output = Path(arguments.output or f"{_name(arguments.events)}.yaml")
    if output.exists():
        raise _existing(output)
    head = heads.read(arguments.events)
    items = heads.read(arguments.catalogue) if arguments.catalogue is not None else None
    log = guess_log.guess(head, items)
    catalogue = None
    if items is not None:
        catalogue = guess_catalogue.guess(items, set(guess_log.filled(head.columns[log.columns["item_id"]])))
    spelled = _spelled(
        [head.columns[log.columns["user_id"]]],
        [
            head.columns[log.columns["item_id"]],
            *([items.columns[catalogue.item_id]] if items is not None and catalogue is not None else []),
        ],
    )
    text = config_text(
        _name(str(output)),
        {"log": arguments.events, "catalogue": arguments.catalogue},
        output,
        (head, log),
        None if items is None or catalogue is None else (items, catalogue),
        spelled,
    )
    try:
        with new_file(output, replace=False) as unfinished:
            Path(unfinished).write_text(text, encoding="utf-8")
            load_config(unfinished)
    except FileExistsError as e:
        raise _existing(output) from e
    except OSError as e:
        raise ConfigError(f"{output}: cannot be written ({e.strerror}). Name another file with --output.") from e
    unsure = text.count(f"{NOT_SURE}:")
    print(text)
    print(f"Wrote {output}. " + (f"{unsure} guess(es) marked {NOT_SURE}: look at them. " if unsure else "") + "Next:")
    print(f"  perennial check --config {shlex.quote(str(output))}")


def _existing(output: Path) -> ConfigError:
    return ConfigError(f"{output}: exists already; nothing was written. Name another file with --output.")


def _name(path: str) -> str:
    """A pipeline's name from a file's."""
    stem = re.sub(r"[*?\[\]]", "", Path(path).name).split(".")[0] or Path(path).resolve().parent.name
    name = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    return name if name and name[0].isalpha() else f"recommender-{name}".rstrip("-")


def _spelled(users: "list[list[str]]", items: "list[list[str]]") -> "tuple[dict[str, bool], Note] | None":
    """The section `ids` if ids are written in several ways, and the reason; None if they are not."""
    import numpy as np
    import pyarrow as pa

    from pipeline.commands.init.notes import Note
    from pipeline.reading import spellings

    settings: dict[str, bool] = {}
    reasons = []
    for field, cells in (("user_id", users), ("item_id", items)):
        texts = pa.array(sorted({cell for column in cells for cell in column if cell}), pa.string())
        found = spellings.find(texts, np.ones(len(texts), np.int64))
        if not found.count:
            continue
        spelled = [text for example in found.examples for text, _ in example]
        settings["trim"] = settings.get("trim", False) or any(text != text.strip() for text in spelled)
        settings["integral"] = settings.get("integral", False) or any("." in text for text in spelled)
        reasons.append(
            f"{found.count} {field}(s) are written in several ways, such as {spelled[0]!r} and {spelled[1]!r}"
        )
    if not reasons:
        return None
    return {name: True for name, is_set in settings.items() if is_set}, Note("; ".join(reasons))
