"""The command `perennial run`."""

import argparse
from typing import TYPE_CHECKING

from pipeline.commands.arguments import add_command, add_config
from pipeline.commands.chosen_config import load
from pipeline.commands.events import export_if_wanted
from pipeline.ground.terminal import say

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands
    from pipeline.store.runs.records import Run

NOT_PUSHED = 3
"""Exit status if the run succeeded but its model was not pushed; 1 is an error, 2 a mistake in the arguments."""


def add_parser(commands: "Commands") -> None:
    """Adds `run` to the command line.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "run",
        "run the pipeline once on this machine",
        _run,
        details="Reads the data, trains from the last good model, compares the new model with it and with baselines, "
        "and pushes it only if the gate finds it no worse. The served model stays live until then. With log.events: "
        "true, it exports the service's events first. The exit status is "
        "0 if the model was pushed or is already live; 1 after an error; 2 for a mistake in the arguments; "
        f"{NOT_PUSHED} if the model was not pushed, because the gate refused it or a rollback had withdrawn it.",
        examples=["perennial run", "perennial run --config shop.yaml"],
    )
    add_config(parser)


def _run(arguments: argparse.Namespace) -> int:
    config = load(arguments)  # before TFX, whose import takes seconds: a bad YAML is reported at once
    export_if_wanted(config)
    from pipeline.runners import local

    run = local.run(config)
    return status_of(run) if run is not None else 0


def status_of(run: "Run") -> int:
    """The exit status of a succeeded run: 0, or NOT_PUSHED; then it says why."""
    reason = _why_not_pushed(run)
    if reason is None:
        return 0
    say(f"Not pushed: {reason}. The served model has not changed. See: perennial runs show {run.number}", stderr=True)
    return NOT_PUSHED


def _why_not_pushed(run: "Run") -> str | None:
    """Returns the reason why the model of a succeeded run is not served; None if it is served."""
    from pipeline.store.runs.contents import failed_rules

    pushed = run.output("PushedModel")
    if pushed is not None and pushed.properties.get("pushed") == 1:
        return None
    rules = failed_rules(run)
    return f"the gate refused the model ({', '.join(rules)})" if rules else "a rollback has withdrawn this model"
