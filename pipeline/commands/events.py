"""The command `perennial events export`, which `perennial run` also does first if the events are a part of the log."""

import argparse
from typing import TYPE_CHECKING

from pipeline.commands.arguments import add_command, add_config, add_subgroup
from pipeline.commands.chosen_config import load
from pipeline.commands.service_database import service_database
from pipeline.ground.terminal import say

if TYPE_CHECKING:
    from configs.pipeline import PipelineConfig
    from pipeline.commands.arguments import Commands


def add_parser(commands: "Commands") -> None:
    """Adds `events` to the command line.

    Args:
        commands: The group.
    """
    group = add_subgroup(
        commands,
        "events",
        "export the events that the service has taken",
        "The service stores events in its database. With log.events: true, the exported ones are a part of the log.",
    )
    export = add_command(
        group,
        "export",
        "export the events that are not in a file yet",
        _export,
        details="Writes new events to one more Parquet file in the folder `events` of the pipeline, and again what is "
        "missing or out of date there: the list of forgotten users, and what became of the service's answers. Each "
        "event is in one file, once. `perennial run` does this first if log.events is true.",
        examples=["perennial events export", "perennial events export --config shop.yaml"],
    )
    add_config(export)


def _export(arguments: argparse.Namespace) -> None:
    export_events(load(arguments))


def export_if_wanted(config: "PipelineConfig") -> None:
    """Exports the events if they are a part of the log, as every command does that runs the pipeline."""
    if config.log.events:
        export_events(config)


def export_events(config: "PipelineConfig") -> None:
    """Exports the events of a pipeline's service, and says what was done.

    Args:
        config: The pipeline.

    Raises:
        MachineError: The libraries of the database are not installed.
        OutputError: A file cannot be written.
        DatabaseUnavailableError, DatabaseError: The database does not answer or refuses.
    """
    with service_database(config) as database:
        from configs import home
        from service.events.export import export
        from service.events.vocabulary import vocabulary

        folder = home.events_dir(config)
        done = export(database, vocabulary(config.log, config.service.event_types), folder)
    if done.number is None:
        say("Events: the service has taken none yet.")
        return
    rows = sum(done.written.values())
    say(f"Events: wrote {rows:,} to {len(done.written)} file(s) in {folder}; the newest export is {done.number}.")
    if done.skipped:
        say(f"  {done.skipped:,} event(s) were left out: the log has no word for their type, see service.event_types.")
