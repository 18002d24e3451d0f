"""The command `perennial forget`: deletes what is known of a user, and says what is left."""

import argparse
from typing import TYPE_CHECKING

from pipeline.commands.arguments import add_command, add_config
from pipeline.commands.chosen_config import load
from pipeline.commands.service_database import service_database
from pipeline.ground.terminal import say

if TYPE_CHECKING:
    from configs.pipeline import PipelineConfig
    from pipeline.commands.arguments import Commands


def add_parser(commands: "Commands") -> None:
    """Adds `forget` to the command line.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "forget",
        "forget a user: delete what is known, and leave the id out from now on",
        _forget,
        details="Deletes the user's events in the database and in the exported files, and the user's history in every "
        "pushed version. It remembers a keyed hash of the id, not the id: the service stores no new events of the user "
        "and uses no history, and with log.events: true the next run drops the user's rows, also those of the log's "
        "own files. It waits for a run that is in progress, and then prints what still holds the user. If it is "
        "interrupted, run it again.",
        examples=["perennial forget u4711", "perennial forget u4711 --config shop.yaml"],
    )
    parser.add_argument("user", metavar="USER", help="the user's id, as in the log")
    add_config(parser)


def _forget(arguments: argparse.Namespace) -> None:
    config, user = load(arguments), str(arguments.user)
    with service_database(config) as database:
        from configs import home
        from service.events.forgetting import forget
        from service.events.vocabulary import vocabulary

        words = vocabulary(config.log, config.service.event_types)
        done = forget(database, words, home.events_dir(config), user)
    say(f"Deleted {done.events:,} event(s) in the database; {len(done.files)} exported file(s) were written again.")
    versions = _forget_in_versions(config, user)
    say(f"Deleted the history in {len(versions)} pushed version(s){_listed(versions)}.")
    _say_what_is_left(config)


def _forget_in_versions(config: "PipelineConfig", user: str) -> list[int]:
    """Takes the user out of pushed versions, and of what the service on this machine has made from them."""
    from configs import home
    from pipeline.ground.home import local_serving_dir
    from pipeline.store.runs.lock import pipeline_lock
    from pipeline.store.versions import forget as versions
    from service.snapshot import histories
    from service.snapshot.document import HISTORIES_FILE
    from service.versions.folder import copies_of, snapshots_of

    cache = home.service_cache_dir(config)
    with pipeline_lock(config):  # a run in progress has read the log before, and may still push
        found = {
            number
            for folder in sorted({local_serving_dir(config), home.serving_dir(config)})
            for number in versions.forget(folder, [user])
        }
    if copies_of(cache).is_dir():
        versions.forget(str(copies_of(cache)), [user])
    for file in sorted(snapshots_of(cache).glob(f"*/{HISTORIES_FILE}")):
        histories.forget(file, [user])
    return sorted(found)


def _say_what_is_left(config: "PipelineConfig") -> None:
    from pathlib import Path

    from configs import home
    from pipeline.ground.home import local_metadata_path
    from pipeline.store.runs.records import read_runs
    from pipeline.store.versions.folder import numbers

    metadata_path, runs = local_metadata_path(config), 0
    if Path(metadata_path).exists():
        found = read_runs(metadata_path, config.name)
        runs = sum(any(artifact.state == "LIVE" for artifact in run.outputs("Examples").values()) for run in found)
    models = len(numbers(home.serving_dir(config)))
    say("What may still hold the user:")
    say(f"  {runs} run(s) on this machine: data that they read, logs and reports. runs.keep is {config.runs.keep}.")
    say(f"  {models} pushed model(s), which learned from the log. push.keep_versions is {config.push.keep_versions}.")
    say("  The log's own files, backups, and what was copied to other machines or buckets: delete it there yourself.")
    if config.log.events:
        say(
            "The next run leaves the user out. Its model takes over when it is pushed; older runs and models are "
            "deleted as newer ones come."
        )
    else:
        say(
            "Warning: log.events is false, so a run does not know who is forgotten. Set log.events: true, or delete "
            "the user's rows in the log's files."
        )


def _listed(versions: list[int]) -> str:
    return f": {', '.join(map(str, versions))}" if versions else ""
