"""The commands `perennial vertex …`."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from configs.load import load_config
from pipeline.commands.vertex import lint as lint_cli
from pipeline.commands.vertex import parsers as api_cli
from pipeline.commands.vertex import rehearse as rehearsal_cli
from pipeline.commands.vertex import versions as registry_cli
from pipeline.runners.vertex.image_option import add_images, with_images


def add_parser(
    subparsers: "argparse._SubParsersAction[Any]", add_config: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds `vertex` to a command line.

    Args:
        subparsers: What `ArgumentParser.add_subparsers` returned.
        add_config: Gives a parser `--config`.
    """
    vertex = subparsers.add_parser("vertex", help="compile, rehearse, check, submit and schedule the Vertex job")
    commands = vertex.add_subparsers(required=True, metavar="COMMAND")

    compiling = commands.add_parser("compile", help="write the job: JSON for Vertex, YAML for Kubeflow Pipelines")
    add_config(compiling)
    add_images(compiling)
    compiling.add_argument(
        "--output", type=Path, default=Path("pipeline.json"), help="the file, .json or .yaml (default: pipeline.json)"
    )
    compiling.set_defaults(command=_compile)

    lint_cli.add_parser(commands, add_config)
    rehearsal_cli.add_parser(commands, add_config)
    api_cli.add_parsers(commands, add_config)
    registry_cli.add_parsers(commands, add_config)


def _compile(arguments: argparse.Namespace) -> None:
    # Before TFX, whose import takes seconds: a bad YAML is told at once.
    config = with_images(load_config(arguments.config), arguments.image, arguments.dataflow_image)
    from pipeline.runners.vertex.compile import compile_job
    from pipeline.runners.vertex.labels import made_of

    output: Path = arguments.output
    file = compile_job(config, str(output.parent), output.name, made_of(config))
    Console().print(f"Wrote {file}, {file.stat().st_size / 2**10:,.0f} KiB", highlight=False, soft_wrap=True)
