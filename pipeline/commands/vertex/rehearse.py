"""The command `perennial vertex rehearse`."""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from common.errors import JobError
from configs.load import load_config
from configs.pipeline import PipelineConfig
from pipeline import datasets
from pipeline.ground.home import local_rehearsal_dir
from pipeline.ground.places import CATALOGUE_SCHEMA, INTERACTIONS_SCHEMA

if TYPE_CHECKING:  # kfp takes a third of a second to import, which every command would wait for
    from pipeline.job.compiled import Job

_ELSEWHERE = ("custom_job", "dataflow", "registry")
"""Fields of the `vertex` section by which a task asks Google Cloud to do something."""


def add_parser(
    commands: "argparse._SubParsersAction[Any]", add_config: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds `rehearse` to a command line.

    Args:
        commands: What `ArgumentParser.add_subparsers` returned.
        add_config: Gives a parser `--config`.
    """
    parser = commands.add_parser("rehearse", help="run the compiled job here, task by task, as Vertex would")
    add_config(parser)
    parser.add_argument("--job", type=Path, help="a compiled job, .json or .yaml (default: compile the config's)")
    parser.add_argument(
        "--place",
        action="append",
        default=[],
        metavar="gs://BUCKET/FOLDER=FOLDER_HERE",
        help="let the files of a folder here stand in one of a bucket; the config's data and schemas do by themselves",
    )
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", help="a RuntimeParameter's value"
    )
    parser.add_argument(
        "--parallel", type=int, default=len(os.sched_getaffinity(0)), help="tasks at once (default: one a core)"
    )
    parser.add_argument("--no-cache", action="store_true", help="answer no task from an earlier rehearsal")
    parser.add_argument("--fresh", action="store_true", help="forget all earlier rehearsals, and what they wrote")
    parser.set_defaults(command=_rehearse)


def _rehearse(arguments: argparse.Namespace) -> None:
    config = load_config(arguments.config)
    places = {**_places(config), **dict(_place(text) for text in arguments.place)}
    if arguments.parallel < 1:
        raise JobError(f"--parallel must be 1 or more; received {arguments.parallel}.")
    from pipeline.job.compiled import read_job
    from pipeline.job.rehearsal.rehearse import rehearse

    home = local_rehearsal_dir(config)
    outcome = rehearse(
        read_job(arguments.job) if arguments.job else _compiled(config),
        home,
        parameters=arguments.parameter,
        places=places,
        parallel=arguments.parallel,
        caching=not arguments.no_cache,
        fresh=arguments.fresh,
    )
    if outcome.failed:
        raise JobError(
            f"{', '.join(record.task for record in outcome.failed)} failed; logs, inputs and outputs are in "
            f"{outcome.folder}."
        )


def _compiled(config: PipelineConfig) -> "Job":
    from pipeline.job.compiled import read_job
    from pipeline.runners.vertex.compile import compile_job

    elsewhere = [name for name in _ELSEWHERE if config.vertex is not None and getattr(config.vertex, name) is not None]
    if config.vertex is not None and elsewhere:
        Console().print(
            f"Left out of the job, since it would happen on Google Cloud: {', '.join(elsewhere)}. Training and Beam "
            "run in their tasks. With --job, a job is run as it is.",
            soft_wrap=True,
        )
        here = config.vertex.model_copy(update=dict.fromkeys(elsewhere))
        config = config.model_copy(update={"vertex": here})
    with tempfile.TemporaryDirectory() as folder:  # the rehearsal keeps what it runs
        return read_job(compile_job(config, folder))


def _places(config: PipelineConfig) -> dict[str, Path]:
    """What a person would have copied to the buckets: the data sets and the curated schemas."""
    places: dict[str, Path] = {}
    vertex = config.vertex
    if vertex is None:
        return places
    paths = [config.log.path] if isinstance(config.log.path, str) else list(config.log.path.values())
    paths += [config.catalogue.path] if config.catalogue else []
    for path in paths:
        if path.startswith(datasets.SCHEME):
            name = path.removeprefix(datasets.SCHEME).split("/", 1)[0]
            datasets.resolve(path)  # an error of its own if it has not been fetched
            places[f"{vertex.data_dir.rstrip('/')}/{name}"] = datasets.data_dir() / name
    schemas = Path(config.schema_dir, config.name)
    if vertex.schema_dir and any((schemas / file).exists() for file in (INTERACTIONS_SCHEMA, CATALOGUE_SCHEMA)):
        places[f"{vertex.schema_dir.rstrip('/')}/{config.name}"] = schemas
    return places


def _place(text: str) -> tuple[str, Path]:
    place, _, folder = text.partition("=")
    if not folder:
        raise JobError(f"--place {text!r} is not gs://BUCKET/FOLDER=FOLDER_HERE.")
    return place, Path(folder)
