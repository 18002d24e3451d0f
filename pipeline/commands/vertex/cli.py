"""The group `perennial vertex`."""

from typing import TYPE_CHECKING

from pipeline.commands.arguments import add_subgroup
from pipeline.commands.vertex import compile, lint, rehearse, runs, schedules, submit, versions

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands


def add_parser(commands: "Commands") -> None:
    """Adds `vertex` to the command line.

    Args:
        commands: The group.
    """
    group = add_subgroup(
        commands,
        "vertex",
        "compile, check, rehearse and run the pipeline for Vertex AI Pipelines",
        "The config's vertex section says where the pipeline runs there. compile, lint and rehearse do not call "
        "Google Cloud.",
    )
    compile.add_parser(group)
    lint.add_parser(group)
    rehearse.add_parser(group)
    submit.add_parser(group)
    runs.add_parser(group)
    schedules.add_parser(group)
    versions.add_parser(group)
