"""The command `perennial tune`."""

import argparse
from typing import TYPE_CHECKING

from pipeline.commands.arguments import add_command, add_config, add_json
from pipeline.commands.chosen_config import load
from pipeline.commands.events import export_if_wanted
from pipeline.ground.terminal import console, print_json, say

if TYPE_CHECKING:
    from rich.table import Table

    from documents.tuning import Trial, TuningReport
    from pipeline.commands.arguments import Commands


UNUSED = "Runs do not use it: the config has no section tuner. Add `tuner: {}`, or copy the settings."
"""Said of a search whose result no run would use."""


def add_parser(commands: "Commands") -> None:
    """Adds `tune` to the command line.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "tune",
        "search better settings of the model",
        _tune,
        details="Runs the pipeline up to Tuner, which trains the model again and again with other settings, and "
        "measures it on targets that it holds out of the training interactions. Reading and transforming come from the "
        "cache if the data has not changed. Settings are taken only if they are better than those of the config beyond "
        "chance. With the section tuner in the config, later runs train with them. A search that was interrupted goes "
        "on.",
        examples=["perennial tune", "perennial tune --config shop.yaml"],
    )
    add_config(parser)
    add_json(parser)


def _tune(arguments: argparse.Namespace) -> int:
    config = load(arguments)  # before TFX, whose import takes seconds
    export_if_wanted(config)
    from documents.tuning import TuningReport
    from pipeline.runners import local

    run = local.run(config.searched(), search=True)
    results = run.output("TunerResults") if run is not None else None
    if results is None:
        return 0
    report = TuningReport.read(results.uri)
    if arguments.json:
        print_json(report.to_values())
    else:
        show(report)
    if config.tuner is None and report.is_taken:
        say(UNUSED, stderr=True)
    return 0


def show(report: "TuningReport") -> None:
    """Prints the trials of a search, and what it has taken.

    Args:
        report: A search.
    """
    console().print(trials_table(report))
    say(verdict(report))


def trials_table(report: "TuningReport") -> "Table":
    """Makes the table of the trials, best first; those without a result come last.

    Args:
        report: A search.
    """
    from rich.box import SIMPLE
    from rich.table import Table

    names = list(report.trials[0].values) if report.trials else []
    table = Table("trial", "from", "ended", "epochs", "seconds", report.metric, *names, box=SIMPLE)
    for trial in sorted(report.trials, key=_rank):
        score = "" if trial.score is None else f"{trial.score:.4f}"
        epochs = str(len(trial.epochs) or "")
        row = (str(trial.number), trial.origin, trial.state, epochs, f"{trial.seconds:.1f}", score)
        style = "green" if trial.number == report.best and report.is_taken else None
        table.add_row(*row, *(str(trial.values[name]) for name in names), style=style)
    return table


def verdict(report: "TuningReport") -> str:
    """Says in a sentence what the search has taken.

    Args:
        report: A search.
    """
    difference = report.difference
    if report.best is None:
        return "The settings of the config could not be measured in time: raise tuner.max_seconds. They stay."
    if difference is None:
        return "No trial is better than the settings of the config. They stay."
    better = (
        f"Trial {report.best} is better by {difference.value:.4f} in {report.metric} on {report.users} users "
        f"(95 % interval {difference.low:.4f} to {difference.high:.4f})"
    )
    return f"{better}: taken." if report.is_taken else f"{better}: not clear of zero, so the config's settings stay."


def _rank(trial: "Trial") -> tuple[bool, float, int]:
    return trial.score is None, -(trial.score or 0.0), trial.number
