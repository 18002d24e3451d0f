"""The command `perennial check`: reads and cleans the data as a run would, and shows what was understood."""

import argparse
import contextlib
import datetime
import logging
import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.commands.arguments import add_command, add_config, add_json
from pipeline.commands.chosen_config import load
from pipeline.ground.terminal import console, print_json

if TYPE_CHECKING:
    from configs.pipeline import PipelineConfig
    from documents.catalogue import CatalogueReport
    from documents.cleaning import CleaningReport
    from pipeline.commands.arguments import Commands

_SHOWN_ROWS = 5
_CELL_CHARACTERS = 40

_FIXED_SECONDS, _SECONDS_A_MILLION_ROWS, _SECONDS_A_MILLION_TRAINED = 45, 35, 20
"""What a run takes on 2 cores: at least, for each million rows, and for each million interactions and epoch. Measured:
MovieLens 100K 56 s (57 by this), a log of a million rows and 8 epochs 182 s (176)."""


def add_parser(commands: "Commands") -> None:
    """Adds `check` to the command line.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "check",
        "check the data: read it as a run would, and show what was understood",
        _check,
        details="Reads and cleans log and catalogue as InteractionGen and CatalogueGen do, in this process, and writes "
        "nothing. It shows the first rows as they are understood, what each step keeps, how many of the log's items "
        "the catalogue has, and warnings. The exit status is 1 if a run would stop.",
        examples=["perennial check --config shop.yaml", "perennial check --json"],
    )
    add_config(parser)
    add_json(parser)


@dataclass
class _Found:
    """What was found, for people and for programs."""

    cleaning: "CleaningReport"
    catalogue: "CatalogueReport | None"
    first_rows: list[dict[str, Any]]
    sizes: dict[str, tuple[int, int]]
    """Cleaning step to the users and items after it; `rows` for the log as it was read."""

    seconds: float
    warnings: list[str] = field(default_factory=list)


def _check(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    found = _read(config)
    if arguments.json:
        print_json(
            {
                "cleaning": found.cleaning.to_values(),
                "catalogue": None if found.catalogue is None else found.catalogue.to_values(),
                "first_rows": found.first_rows,
                "sizes": {step: {"users": users, "items": items} for step, (users, items) in found.sizes.items()},
                "warnings": found.warnings,
                "seconds": round(found.seconds, 2),
                "estimated_run_seconds": _estimate(config, found.cleaning),
            }
        )
    else:
        _show(console(), config, found)
        named = f" --config {shlex.quote(arguments.config)}" if arguments.config else ""
        console().print(f"Next: perennial run{named}", highlight=False, markup=False)


def _read(config: "PipelineConfig") -> _Found:
    from configs.log import LogSettings
    from pipeline.components.catalogue_gen.catalogue import make_catalogue
    from pipeline.components.interaction_gen import in_process, outliers
    from pipeline.ground.home import local_events_dir
    from pipeline.reading import event_files, spans
    from trainer.order import order_warning

    since = time.monotonic()
    log = LogSettings.model_validate(config.log.model_dump(exclude={"path", "events"}))
    first_rows: list[dict[str, Any]] = []
    sizes: dict[str, tuple[int, int]] = {}
    path = config.log.path
    with _warnings_of_components() as warnings:
        warnings += config.warnings
        paths: dict[str, str] = {"train": path} if isinstance(path, str) else {str(name): path[name] for name in path}
        if config.log.events:
            paths = event_files.with_events(paths, str(local_events_dir(config)))
        result = in_process.ingest(_inputs(paths), log, config.ids, config.serving.rule, time.time())
        first_rows += [_understood(row, log.timestamp_unit) for row in result.first.slice(0, _SHOWN_ROWS).to_pylist()]
        sizes.update(result.sizes)
        warnings += [outliers.warning(outlier) for outlier in result.report.outliers]
        catalogue = None
        if config.catalogue is not None:
            _, catalogue, _ = make_catalogue(
                _inputs({"train": config.catalogue.path}), config.catalogue, result.items, config.ids
            )
    parts = [*paths.values(), *([config.catalogue.path] if config.catalogue is not None else [])]
    warnings += [
        f"{each} names a span: a run reads the newest one, and this command reads all of them."
        for each in parts
        if spans.as_glob(each) != each
    ]
    order = order_warning(config.trainer, result.report.held_out_early)
    warnings += [order] if order is not None else []
    return _Found(result.report, catalogue, first_rows, sizes, time.monotonic() - since, warnings)


def _inputs(paths: Mapping[str, str]) -> Any:
    from pipeline import datasets
    from pipeline.reading import event_files, files, spans

    patterns = {split: spans.as_glob(datasets.resolve(path)) for split, path in paths.items()}
    for split, pattern in patterns.items():
        if split not in event_files.OPTIONAL:
            files.require_match(pattern)
    return files.list_files("", patterns)


@contextlib.contextmanager
def _warnings_of_components() -> Iterator[list[str]]:
    """Collects what the components log as a warning."""
    said: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, collector = logging.getLogger("perennial"), Collector(logging.WARNING)
    was_propagating, logger.propagate = logger.propagate, False
    logger.addHandler(collector)
    try:
        yield said
    finally:
        logger.removeHandler(collector)
        logger.propagate = was_propagating


def _understood(row: dict[str, Any], timestamp_unit: str) -> dict[str, Any]:
    from pipeline.components.interaction_gen.reading import ITEM, TIMESTAMP, USER, VALUE
    from pipeline.reading import times

    shown: dict[str, Any] = {"user_id": row[USER], "item_id": row[ITEM]}
    if TIMESTAMP in row:
        moment = datetime.datetime.fromtimestamp(
            row[TIMESTAMP] // times.per_second(timestamp_unit), datetime.timezone.utc
        )
        shown["timestamp"] = moment.isoformat().replace("+00:00", "Z")
    return {**shown, "value": row[VALUE]} if VALUE in row else shown


def _estimate(config: "PipelineConfig", cleaning: "CleaningReport") -> int:
    """Seconds that a first run takes on 2 cores, about."""
    trained = cleaning.splits["train"].interactions * config.trainer.passes
    return round(
        _FIXED_SECONDS + (_SECONDS_A_MILLION_ROWS * cleaning.rows + _SECONDS_A_MILLION_TRAINED * trained) / 1_000_000
    )


def _show(terminal: Console, config: "PipelineConfig", found: _Found) -> None:
    cleaning = found.cleaning
    terminal.print(f"Pipeline [bold]{escape(config.name)}[/]", highlight=False)
    terminal.print(
        f"{cleaning.rows:,} rows of {cleaning.files} file(s), {cleaning.bad_rows:,} of them bad; read in "
        f"{found.seconds:.1f} s",
        highlight=False,
    )
    if cleaning.bad_rows:
        bad = Table("bad rows", "number", box=SIMPLE)
        bad.columns[1].justify = "right"
        for reason, rows in sorted(cleaning.bad_rows_by_reason.items(), key=lambda one: -one[1])[:8]:
            bad.add_row(escape(reason), f"{rows:,}")
        terminal.print(bad)
    first = Table(*found.first_rows[0], title="The first rows, as understood", title_justify="left", box=SIMPLE)
    for row in found.first_rows:
        first.add_row(*(escape(_cut(str(cell))) for cell in row.values()))
    terminal.print(first)
    steps = Table("step", "interactions", "users", "items", title="Cleaning", title_justify="left", box=SIMPLE)
    for column in steps.columns[1:]:
        column.justify = "right"
    counts = {"rows": cleaning.rows - cleaning.bad_rows, **{step.step: step.rows_out for step in cleaning.steps}}
    for name, rows in counts.items():
        steps.add_row(name, f"{rows:,}", *(f"{number:,}" for number in found.sizes[name]))
    for name, split in cleaning.splits.items():
        label = "for training" if name == "train" else "held out"
        steps.add_row(label, f"{split.interactions:,}", f"{split.users:,}", f"{split.items:,}")
    terminal.print(steps)
    if found.catalogue is not None:
        _show_catalogue(terminal, found.catalogue)
    for warning in found.warnings:
        terminal.print(f"Warning: {warning}", style="yellow", highlight=False, markup=False)
    seconds = _estimate(config, cleaning)
    about = f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"
    terminal.print(f"A run would take about {about} on 2 cores.", highlight=False)


def _show_catalogue(terminal: Console, catalogue: "CatalogueReport") -> None:
    shared = catalogue.interacted_items - catalogue.added_items
    own = catalogue.items - catalogue.added_items
    terminal.print(
        f"Catalogue: {own:,} items; it has {shared:,} of the {catalogue.interacted_items:,} items that training "
        f"knows ({shared / max(1, catalogue.interacted_items):.0%})"
        + (f"; {catalogue.bad_rows:,} bad rows" if catalogue.bad_rows else ""),
        highlight=False,
    )
    features = Table("feature", "items that have it", "share", box=SIMPLE)
    for column in features.columns[1:]:
        column.justify = "right"
    for name, filled in {"title": own - catalogue.untitled_items, **catalogue.filled}.items():
        features.add_row(escape(name), f"{filled:,}", f"{filled / max(1, own):.0%}")
    terminal.print(features)


def _cut(text: str) -> str:
    return text if len(text) <= _CELL_CHARACTERS else f"{text[: _CELL_CHARACTERS - 1]}…"
