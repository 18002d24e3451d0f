"""The commands `perennial runs`, `perennial run show` and `perennial diff`."""

import argparse
from collections.abc import Callable
from typing import Any

from configs.load import load_config
from configs.pipeline import PipelineConfig
from pipeline.commands.runs import showing
from pipeline.ground.home import local_home, local_metadata_path
from pipeline.ground.terminal import console, print_json
from pipeline.store.runs.diff import diff
from pipeline.store.runs.records import LATEST, Run, find_run, read_runs
from pipeline.store.runs.retention import REPORTS_DIR

_ID_HELP = f"the run: its number, {LATEST!r}, or its whole id"


def add_parsers(
    subparsers: "argparse._SubParsersAction[Any]",
    run_parser: argparse.ArgumentParser,
    add_config: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Adds `runs` and `diff` to a command line, and `show` to `run`.

    Args:
        subparsers: What `ArgumentParser.add_subparsers` returned.
        run_parser: The parser of `run`, which has `--config` and runs the pipeline without a further word.
        add_config: Gives a parser `--config`.
    """
    runs = subparsers.add_parser("runs", help="the runs on this machine: how they ended, what they reached")
    add_config(runs)
    _add_json(runs)
    runs.set_defaults(command=_runs)

    show = run_parser.add_subparsers(metavar="COMMAND").add_parser("show", help="one run: its nodes, its decision")
    show.add_argument("id", help=_ID_HELP, metavar="ID")
    # Suppressed: else the default here would win over a --config before `show`.
    show.add_argument("--config", default=argparse.SUPPRESS, help="the pipeline's YAML")
    _add_json(show)
    show.set_defaults(command=_show)

    comparison = subparsers.add_parser("diff", help="what differs between two runs: why did recall change?")
    comparison.add_argument("before", help=_ID_HELP, metavar="ID")
    comparison.add_argument("after", help="the run to explain", metavar="ID")
    add_config(comparison)
    _add_json(comparison)
    comparison.set_defaults(command=_diff)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def _runs(arguments: argparse.Namespace) -> None:
    _, runs = _read(arguments)
    if arguments.json:
        print_json([showing.run_summary(run) for run in runs])
    else:
        console().print(showing.runs_table(runs))


def _show(arguments: argparse.Namespace) -> None:
    config, runs = _read(arguments)
    run = find_run(runs, arguments.id)
    report = local_home(config) / REPORTS_DIR / f"{run.number}.html"
    if arguments.json:
        print_json(showing.run_details(run) | {"report": str(report) if report.exists() else None})
    else:
        showing.show_run(run, report, console())


def _diff(arguments: argparse.Namespace) -> None:
    _, runs = _read(arguments)
    found = diff(find_run(runs, arguments.before), find_run(runs, arguments.after))
    if arguments.json:
        print_json(found.as_json())
    else:
        showing.show_diff(found, console())


def _read(arguments: argparse.Namespace) -> tuple[PipelineConfig, list[Run]]:
    config = load_config(arguments.config)
    return config, read_runs(local_metadata_path(config), config.name)
