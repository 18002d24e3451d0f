"""The commands `runs`, `show` and `cancel`."""

import argparse
import dataclasses

from pipeline.commands.vertex.arguments import load
from pipeline.ground.terminal import console, print_json, say


def list_runs(arguments: argparse.Namespace) -> None:
    """Lists the pipeline's runs."""
    config, vertex = load(arguments)
    from pipeline.cloud.client import Api
    from pipeline.commands.vertex.showing import runs_table
    from pipeline.runners.vertex.runs import read_runs

    found = read_runs(Api(vertex), config.name, arguments.limit)
    if arguments.json:
        print_json([{key: value for key, value in dataclasses.asdict(run).items() if key != "tasks"} for run in found])
    else:
        console().print(runs_table(found, config.name))


def show(arguments: argparse.Namespace) -> None:
    """Shows one run."""
    config, vertex = load(arguments)
    from pipeline.cloud.client import Api
    from pipeline.commands.vertex.showing import show_run
    from pipeline.runners.vertex.runs import read_run, run_link

    run = read_run(Api(vertex), config.name, arguments.run)
    if arguments.json:
        print_json(dataclasses.asdict(run) | {"link": run_link(vertex, run.id)})
    else:
        show_run(run, vertex, console())


def cancel(arguments: argparse.Namespace) -> None:
    """Stops one run."""
    config, vertex = load(arguments)
    from pipeline.cloud.client import Api
    from pipeline.runners.vertex.runs import cancel_run, read_run

    api = Api(vertex)
    run = cancel_run(api, read_run(api, config.name, arguments.run))
    say(f"{run.id} has ended already: {run.state}." if run.has_ended else f"{run.id} is being stopped.")
