"""The commands `perennial vertex runs list`, `show` and `cancel`."""

import argparse
import dataclasses
from typing import TYPE_CHECKING

from pipeline.commands.arguments import add_command, add_config, add_json, add_subgroup, whole_number
from pipeline.commands.vertex.arguments import add_run, load
from pipeline.ground.terminal import console, print_json, say

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands

_MOST_RUNS = 1000
"""Ten pages of Vertex's list."""


def add_parser(commands: "Commands") -> None:
    """Adds `runs` to `perennial vertex`.

    Args:
        commands: The group.
    """
    group = add_subgroup(
        commands,
        "runs",
        "list, show and cancel the pipeline's runs on Vertex",
        "`perennial vertex submit` starts one.",
    )
    listing = add_command(
        group,
        "list",
        "list the pipeline's runs on Vertex: state, times, commit, data",
        _list,
        details="The newest run comes first.",
        examples=["perennial vertex runs list", "perennial vertex runs list --limit 100 --json"],
    )
    listing.add_argument(
        "--limit", type=whole_number(_MOST_RUNS), default=20, help="list at most this many runs (default: 20)"
    )
    showing = add_command(
        group,
        "show",
        "show one run on Vertex: its tasks, labels, outputs and errors",
        _show,
        details="It also prints the run's address in the console.",
        examples=["perennial vertex runs show latest"],
    )
    add_run(showing)
    cancelling = add_command(
        group,
        "cancel",
        "cancel a run on Vertex that is in progress",
        _cancel,
        details="The run's tasks are stopped. The served model does not change.",
        examples=["perennial vertex runs cancel latest"],
    )
    add_run(cancelling)
    for parser in (listing, showing, cancelling):
        add_config(parser)
    for parser in (listing, showing):
        add_json(parser)


def _list(arguments: argparse.Namespace) -> None:
    config, vertex = load(arguments)
    from pipeline.cloud.client import Api
    from pipeline.commands.vertex.showing import runs_table
    from pipeline.runners.vertex.runs import read_runs

    found = read_runs(Api(vertex), config.name, arguments.limit)
    if arguments.json:
        print_json([{key: value for key, value in dataclasses.asdict(run).items() if key != "tasks"} for run in found])
    elif not found:
        say(f"The pipeline {config.name} has no run on Vertex yet. `perennial vertex submit` starts one.")
    else:
        console().print(runs_table(found, config.name))


def _show(arguments: argparse.Namespace) -> None:
    config, vertex = load(arguments)
    from pipeline.cloud.client import Api
    from pipeline.commands.vertex.showing import show_run
    from pipeline.runners.vertex.runs import read_run, run_link

    run = read_run(Api(vertex), config.name, arguments.run)
    if arguments.json:
        print_json(dataclasses.asdict(run) | {"link": run_link(vertex, run.id)})
    else:
        show_run(run, vertex, console())


def _cancel(arguments: argparse.Namespace) -> None:
    config, vertex = load(arguments)
    from pipeline.cloud.client import Api
    from pipeline.runners.vertex.runs import cancel_run, read_run

    api = Api(vertex)
    run = cancel_run(api, read_run(api, config.name, arguments.run))
    say(f"{run.id} has already ended: {run.state}." if run.has_ended else f"{run.id} is being cancelled.")
