"""The commands `perennial runs list`, `perennial runs show` and `perennial runs diff`."""

import argparse
from typing import TYPE_CHECKING

from pipeline.commands.arguments import add_command, add_config, add_json, add_subgroup
from pipeline.commands.chosen_config import load
from pipeline.ground.terminal import console, print_json, say

if TYPE_CHECKING:  # the metadata store's client takes half a second to import, which `--help` would wait for
    from configs.pipeline import PipelineConfig
    from pipeline.commands.arguments import Commands
    from pipeline.store.runs.records import Run

_BY = "its number, 'latest', or its whole id"


def add_parser(commands: "Commands") -> None:
    """Adds `runs` to the command line.

    Args:
        commands: The group.
    """
    group = add_subgroup(
        commands,
        "runs",
        "list, show and compare the runs on this machine",
        "The runs are those of the config's pipeline. `perennial run` makes one; `perennial vertex runs` is about runs "
        "on Vertex.",
    )
    listing = add_command(
        group,
        "list",
        "list the runs: how each ended, its metric, the gate's decision and the pushed version",
        _list,
        details="The oldest run comes first.",
        examples=["perennial runs list", "perennial runs list --json"],
    )
    showing_one = add_command(
        group,
        "show",
        "show one run: the gate's rules, its nodes, and the error of a node that failed",
        _show,
        details="It also names the run's page, if there is one.",
        examples=["perennial runs show latest", "perennial runs show 7 --json"],
    )
    showing_one.add_argument("run", help=f"the run: {_BY}", metavar="RUN")
    comparison = add_command(
        group,
        "diff",
        "compare two runs: config, code, data, schema, vocabularies and metrics",
        _diff,
        details="Use it to find out why a metric moved. A value that only one of the two runs has is left out, and the "
        "summary says so.",
        examples=["perennial runs diff 6 7", "perennial runs diff 1 latest --json"],
    )
    comparison.add_argument("before", help=f"the run to compare with: {_BY}", metavar="BEFORE")
    comparison.add_argument("after", help=f"the run to explain: {_BY}", metavar="AFTER")
    for parser in (listing, showing_one, comparison):
        add_config(parser)
        add_json(parser)


def _list(arguments: argparse.Namespace) -> None:
    _, runs = _read(arguments)
    from pipeline.commands.runs import showing

    if arguments.json:
        print_json([showing.run_summary(run) for run in runs])
    elif not runs:
        say("There is no run yet. `perennial run` makes one.")
    else:
        console().print(showing.runs_table(runs))


def _show(arguments: argparse.Namespace) -> None:
    config, runs = _read(arguments)
    from pipeline.commands.runs import showing
    from pipeline.ground.home import local_home
    from pipeline.store.runs.records import find_run
    from pipeline.store.runs.retention import REPORTS_DIR

    run = find_run(runs, arguments.run)
    report = local_home(config) / REPORTS_DIR / f"{run.number}.html"
    if arguments.json:
        print_json(showing.run_details(run) | {"report": str(report) if report.exists() else None})
    else:
        showing.show_run(run, report, console())


def _diff(arguments: argparse.Namespace) -> None:
    _, runs = _read(arguments)
    from pipeline.commands.runs import showing
    from pipeline.store.runs.diff import diff
    from pipeline.store.runs.records import find_run

    found = diff(find_run(runs, arguments.before), find_run(runs, arguments.after))
    if arguments.json:
        print_json(found.as_json())
    else:
        showing.show_diff(found, console())


def _read(arguments: argparse.Namespace) -> "tuple[PipelineConfig, list[Run]]":
    config = load(arguments)
    from pipeline.ground.home import local_metadata_path
    from pipeline.store.runs.records import read_runs

    return config, read_runs(local_metadata_path(config), config.name)
