"""The command `perennial vertex rehearse`."""

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from common.errors import JobError
from pipeline.commands.arguments import add_command, add_config, add_no_cache, add_parameters, add_purpose, whole_number
from pipeline.commands.chosen_config import load
from pipeline.commands.vertex.arguments import add_job, require_purpose

if TYPE_CHECKING:  # kfp takes a third of a second to import, which every command would wait for
    from configs.pipeline import PipelineConfig
    from pipeline.commands.arguments import Commands
    from pipeline.job.compiled import CompiledJob

_MOST_TASKS = 1000
"""Far more than a machine can run at once; each task is a process of its own."""

_ELSEWHERE = ("custom_job", "dataflow", "registry")
"""Fields of the `vertex` section with which a task starts work on Google Cloud."""


def add_parser(commands: "Commands") -> None:
    """Adds `rehearse` to `perennial vertex`.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "rehearse",
        "run the compiled job on this machine, task by task, as Vertex would",
        _rehearse,
        details="Each task is a process of its own with the inputs that Vertex would pass. A folder here stands for "
        "each bucket: the folders of the config's data and schemas are found without an option. Results of earlier "
        "rehearsals are reused where Vertex would reuse them. The exit status is 1 if a task fails.",
        examples=[
            "perennial vertex rehearse --fresh",
            "perennial vertex rehearse --job pipeline.json --place gs://my-data/logs=logs",
        ],
    )
    add_config(parser)
    add_purpose(parser)
    add_job(parser)
    parser.add_argument(
        "--place",
        action="append",
        default=[],
        metavar="gs://BUCKET/FOLDER=FOLDER_HERE",
        help="let a folder here stand for a folder in a bucket; repeat the option for several",
    )
    add_parameters(parser)
    parser.add_argument(
        "--parallel",
        type=whole_number(_MOST_TASKS),
        default=len(os.sched_getaffinity(0)),
        metavar="TASKS",
        help="run this many tasks at once (default: one for each core)",
    )
    add_no_cache(parser)
    parser.add_argument("--fresh", action="store_true", help="delete all earlier rehearsals and what they wrote first")


def _rehearse(arguments: argparse.Namespace) -> None:
    config = load(arguments)
    places = {**_places(config), **dict(_place(text) for text in arguments.place)}
    from pipeline.ground.home import local_rehearsal_dir
    from pipeline.job.compiled import read_job
    from pipeline.job.rehearsal.rehearse import rehearse

    home = local_rehearsal_dir(config)
    job = read_job(arguments.job) if arguments.job else None
    if job is not None:
        require_purpose(job, arguments)
    outcome = rehearse(
        job if job is not None else lambda: _compiled(config, search=arguments.tune),
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
    if arguments.compare:
        from documents.comparison import ComparisonReport
        from pipeline.commands import compare

        compare.show(ComparisonReport.read(outcome.output("ModelComparison", "comparison")))
    elif arguments.tune:
        from documents.tuning import TuningReport
        from pipeline.commands import tune

        tune.show(TuningReport.read(outcome.output("Tuner", "tuner_results")))


def _compiled(config: "PipelineConfig", *, search: bool) -> "CompiledJob":
    from pipeline.job.compiled import read_job
    from pipeline.runners.vertex.compile import compile_job

    elsewhere = [name for name in _ELSEWHERE if config.vertex is not None and getattr(config.vertex, name) is not None]
    if config.vertex is not None and elsewhere:
        Console().print(
            f"The rehearsal leaves out what would happen on Google Cloud: {', '.join(elsewhere)}. Training and Beam "
            "run in their tasks. A job that --job names runs as it is.",
            soft_wrap=True,
        )
        # Without the registry, the job lacks the task for it.
        resources = {task: each for task, each in config.vertex.task_resources.items() if task != "RegistryPusher"}
        here = config.vertex.model_copy(update={**dict.fromkeys(elsewhere), "task_resources": resources})
        config = config.model_copy(update={"vertex": here})
    with tempfile.TemporaryDirectory() as folder:  # the rehearsal keeps its own copy of the job
        return read_job(compile_job(config, folder, search=search))


def _places(config: "PipelineConfig") -> dict[str, Path]:
    """Returns the folders that a person would copy to the buckets: the data sets and the curated schemas."""
    from pipeline import datasets
    from pipeline.ground.home import local_events_dir
    from pipeline.ground.places import CATALOGUE_SCHEMA, INTERACTIONS_SCHEMA

    places: dict[str, Path] = {}
    vertex = config.vertex
    if vertex is None:
        return places
    paths = [config.log.path] if isinstance(config.log.path, str) else list(config.log.path.values())
    paths += [config.catalogue.path] if config.catalogue else []
    for path in paths:
        if path.startswith(datasets.SCHEME):
            name = path.removeprefix(datasets.SCHEME).split("/", 1)[0]
            datasets.resolve(path)  # raises if the data set has not been fetched
            places[f"{vertex.data_dir.rstrip('/')}/{name}"] = datasets.data_dir() / name
    if config.log.events and vertex.events_dir and (events := local_events_dir(config)).exists():
        places[vertex.events_dir.rstrip("/")] = events
    schemas = Path(config.schema_dir, config.name)
    if vertex.schema_dir and any((schemas / file).exists() for file in (INTERACTIONS_SCHEMA, CATALOGUE_SCHEMA)):
        places[f"{vertex.schema_dir.rstrip('/')}/{config.name}"] = schemas
    return places


def _place(text: str) -> tuple[str, Path]:
    place, _, folder = text.partition("=")
    if not folder:
        raise JobError(f"--place must be gs://BUCKET/FOLDER=FOLDER_HERE; received {text!r}.")
    return place, Path(folder)
