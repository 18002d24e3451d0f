"""The command `perennial vertex compile`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pipeline.commands.arguments import add_command, add_config, add_purpose
from pipeline.commands.chosen_config import load
from pipeline.commands.vertex.arguments import add_images
from pipeline.job import JOB_FILE

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands


def add_parser(commands: "Commands") -> None:
    """Adds `compile` to `perennial vertex`.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "compile",
        "write the pipeline as a job file: JSON for Vertex, YAML for Kubeflow Pipelines",
        _compile,
        details="The job is checked by the rules of `perennial vertex lint`; one that would fail is not written.",
        examples=["perennial vertex compile", "perennial vertex compile --output pipeline.yaml"],
    )
    add_config(parser)
    add_purpose(parser)
    add_images(parser)
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(JOB_FILE),
        metavar="FILE",
        help=f"write this file, .json or .yaml (default: {JOB_FILE})",
    )


def _compile(arguments: argparse.Namespace) -> None:
    from pipeline.runners.vertex.image_option import with_images

    # Before TFX, whose import takes seconds: a bad YAML is reported at once.
    config = with_images(load(arguments), arguments.image, arguments.dataflow_image)
    from pipeline.runners.vertex.compile import compile_job
    from pipeline.runners.vertex.labels import made_of

    output: Path = arguments.output
    file = compile_job(config, str(output.parent), output.name, made_of(config), search=arguments.tune)
    Console().print(f"Wrote {file}, {file.stat().st_size / 2**10:,.0f} KiB", highlight=False, soft_wrap=True)
