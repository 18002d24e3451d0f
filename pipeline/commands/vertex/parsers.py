"""The commands `perennial vertex submit|schedule|runs|show|cancel|pause|resume`: their arguments."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.commands.vertex import runs, schedule, submit
from pipeline.runners.vertex.image_option import add_images

_RUN_HELP = "the run: its id, its resource name, or 'latest'"


def add_parsers(
    commands: "argparse._SubParsersAction[Any]", add_config: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds the commands to a command line.

    Args:
        commands: What `ArgumentParser.add_subparsers` returned.
        add_config: Gives a parser `--config`.
    """

    def command(name: str, function: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        parser = commands.add_parser(name, help=text)
        add_config(parser)
        parser.set_defaults(command=function)
        return parser

    submitting = command("submit", submit.submit, "start a run, after an estimate of what it costs")
    _add_job(submitting)
    submitting.add_argument("--wait", action="store_true", help="follow the run; status 1 if it fails")
    scheduling = command("schedule", schedule.put, "put the config's schedule there, or change the one that is")
    _add_job(scheduling)

    listing = command("runs", runs.list_runs, "the pipeline's runs, newest first")
    listing.add_argument("--limit", type=_count, default=20, help="how many at most (default: 20)")
    _add_json(listing)
    showing = command("show", runs.show, "one run: its tasks, labels, outputs and errors")
    showing.add_argument("run", metavar="RUN", help=_RUN_HELP)
    _add_json(showing)
    command("cancel", runs.cancel, "stop a run").add_argument("run", metavar="RUN", help=_RUN_HELP)
    command("pause", schedule.pause, "let the pipeline's schedule start no further runs")
    command("resume", schedule.resume, "let it start runs again; those left out meanwhile stay out")


def _add_job(parser: argparse.ArgumentParser) -> None:
    add_images(parser)
    parser.add_argument("--job", type=Path, help="a compiled job, .json or .yaml (default: compile the config's)")
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a runtime parameter's value; may be given several times",
    )
    parser.add_argument("--no-cache", action="store_true", help="answer no task from an earlier run")
    parser.add_argument(
        "--without-estimate", action="store_true", help="neither estimate a run's cost nor look at its ceiling"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the request, as JSON, and send nothing")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 1000; received {text}")
    return int(text)
