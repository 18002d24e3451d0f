"""The commands `perennial vertex submit|schedule|runs|show|cancel|pause|resume`."""

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from configs.errors import ConfigError, JobError, VertexError
from configs.load import load_config
from configs.pipeline import PipelineConfig
from configs.vertex import Vertex
from pipeline.vertex.image_option import add_image, check_image, with_image

if TYPE_CHECKING:  # Google's libraries take seconds to import; a bad YAML is told before
    from pipeline.vertex.api.client import Api
    from pipeline.vertex.api.runs import Run
    from pipeline.vertex.job import Job

_PIPED_WIDTH = 160
"""Columns where there is no terminal; rich's 80 would cut the tables."""

_INTERRUPTED = 130
"""The shell's status of a command that Ctrl-C ended."""

_RUN_HELP = "the run: its id, its resource name, or 'latest'"


def add_parsers(
    commands: "argparse._SubParsersAction[Any]", add_config: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds the commands to a command line.

    Args:
        commands: What `ArgumentParser.add_subparsers` returned.
        add_config: Gives a parser `--config`.
    """

    def command(name: str, function: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        parser = commands.add_parser(name, help=text)
        add_config(parser)
        parser.set_defaults(command=function)
        return parser

    submitting = command("submit", _submit, "start a run, after an estimate of what it costs")
    _add_job(submitting)
    submitting.add_argument("--wait", action="store_true", help="follow the run; status 1 if it fails")
    scheduling = command("schedule", _schedule, "put the config's schedule there, or change the one that is")
    _add_job(scheduling)

    listing = command("runs", _runs, "the pipeline's runs, newest first")
    listing.add_argument("--limit", type=_count, default=20, help="how many at most (default: 20)")
    _add_json(listing)
    showing = command("show", _show, "one run: its tasks, labels, outputs and errors")
    showing.add_argument("run", metavar="RUN", help=_RUN_HELP)
    _add_json(showing)
    command("cancel", _cancel, "stop a run").add_argument("run", metavar="RUN", help=_RUN_HELP)
    command("pause", _pause, "let the pipeline's schedule start no further runs")
    command("resume", _resume, "let it start runs again; those left out meanwhile stay out")


def _add_job(parser: argparse.ArgumentParser) -> None:
    add_image(parser)
    parser.add_argument("--job", type=Path, help="a compiled job, .json or .yaml (default: compile the config's)")
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a runtime parameter's value; may be given several times",
    )
    parser.add_argument("--no-cache", action="store_true", help="answer no task from an earlier run")
    parser.add_argument(
        "--without-estimate", action="store_true", help="neither estimate a run's cost nor look at its ceiling"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the request, as JSON, and send nothing")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 1000; received {text}")
    return int(text)


def _submit(arguments: argparse.Namespace) -> None:
    config, vertex = _load(arguments)
    job = _job(arguments, config)
    from pipeline.vertex.api.client import Api, parent
    from pipeline.vertex.api.data_digest import data_digest
    from pipeline.vertex.api.labels import data_label, labels
    from pipeline.vertex.api.request import create_request, pipeline_job, run_id
    from pipeline.vertex.api.submit import check_places
    from pipeline.vertex.parameters import parameter_values

    values = parameter_values(job, arguments.parameter)
    described = pipeline_job(job, vertex, values, labels(config, job), cache=not arguments.no_cache)
    api = None if arguments.dry_run else Api(vertex)
    if api is not None:
        check_places(api, described)
        described["labels"] = data_label(data_digest(api, job, values)) | described["labels"]
    if not arguments.without_estimate:
        _estimate(api, config, job)
    request = create_request(parent(vertex), described, run_id(job.name))
    if api is None:
        _print_json(request)
    else:
        _start(api, request, wait=arguments.wait)


def _start(api: "Api", request: dict[str, Any], wait: bool) -> None:
    from pipeline.vertex.api.runs import as_run, run_link
    from pipeline.vertex.api.submit import create_run, may_have_been_started

    experiment = api.vertex.experiment
    if experiment is not None:
        from pipeline.vertex.api.experiment import prepare_experiment

        prepare_experiment(api, experiment)
    run: Run | None = None
    try:
        run = as_run(create_run(api, request))
        _say(f"{run.id}\n{run_link(api.vertex, run.id)}")
        if experiment is not None:
            _join(api, experiment, run)
        if wait:
            _follow(api, run)
    except KeyboardInterrupt:
        if run is None:
            told = may_have_been_started(request["pipelineJobId"])
        else:
            told = (
                f"The run goes on. Look with `perennial vertex show {run.id}`; stop it with "
                f"`perennial vertex cancel {run.id}`."
            )
        _say(f"\n{told}", stderr=True)
        sys.exit(_INTERRUPTED)


def _estimate(api: "Api | None", config: PipelineConfig, job: "Job") -> None:
    """Shows what the run costs, on standard error: standard output is the request, or the run's id."""
    assert config.vertex is not None
    from pipeline.vertex.api.cost import check_ceiling, estimate, holdings
    from pipeline.vertex.api.showing import show_estimate
    from pipeline.vertex.api.times import task_times

    held = holdings(job, config.vertex)
    times = task_times(api, config, held)
    cost = config.vertex.cost
    estimated = estimate(held, times.seconds, cost.prices if cost else None)
    show_estimate(estimated, times.sources, _console(stderr=True))
    if cost is None:
        return
    if api is None and estimated.untimed:
        _say("The ceiling is looked at when the times of earlier runs are known, which a dry run asks nobody.", True)
    else:
        check_ceiling(estimated, cost)


def _join(api: "Api", experiment: str, run: "Run") -> None:
    """The run is on its way: whatever comes of this is told, and is no error."""
    from pipeline.vertex.api.experiment import join_experiment

    try:
        joined = join_experiment(api, experiment, run.name)
        why = "" if joined else "Vertex has not begun it yet."
    except VertexError as e:
        joined, why = False, str(e)
    if not joined:
        _say(f"Warning: the run is not in the experiment {experiment}: {why}", stderr=True)


def _follow(api: "Api", run: "Run") -> None:
    from pipeline.vertex.api.client import Api
    from pipeline.vertex.api.following import PATIENCE, follow

    run = follow(Api(api.vertex, PATIENCE), run, _console())
    _say(f"{run.id} succeeded")


def _schedule(arguments: argparse.Namespace) -> None:
    config, vertex = _load(arguments)
    from pipeline.vertex.api import schedule
    from pipeline.vertex.api.client import Api, parent
    from pipeline.vertex.api.labels import labels
    from pipeline.vertex.api.request import pipeline_job
    from pipeline.vertex.api.submit import check_places
    from pipeline.vertex.parameters import parameter_values

    # Before the job is compiled, which takes seconds.
    moments = schedule.upcoming(schedule.section(config), datetime.now(timezone.utc))
    job = _job(arguments, config)
    values = parameter_values(job, arguments.parameter)
    described = pipeline_job(job, vertex, values, labels(config, job), cache=not arguments.no_cache)
    wanted = schedule.described(config, parent(vertex), described)
    api = None if arguments.dry_run else Api(vertex)
    if api is not None:
        check_places(api, described)
    if not arguments.without_estimate:
        _estimate(api, config, job)
    if api is None:
        next_runs = ", ".join(f"{moment:%Y-%m-%d %H:%M %Z}" for moment in moments)
        _say(f"Next runs: {next_runs or 'none, it has ended'}", stderr=True)
        _print_json(wanted)
        return
    put = schedule.put_schedule(api, wanted)
    _say(f"{put.schedule.name} {'made' if put.made else 'changed'}: {put.schedule.cron}")
    if vertex.experiment is not None:
        _say(f"Its runs are not listed in the experiment {vertex.experiment}, as those of `submit` are.")
    if schedule.is_paused(put.schedule):
        _say("It is paused: `perennial vertex resume` lets it run.")
    else:
        moment = schedule.next_run(put.schedule, schedule.section(config).time_zone)
        _say(f"Next run: {f'{moment:%Y-%m-%d %H:%M %Z}' if moment else 'none'}")


def _runs(arguments: argparse.Namespace) -> None:
    config, vertex = _load(arguments)
    from pipeline.vertex.api.client import Api
    from pipeline.vertex.api.runs import read_runs
    from pipeline.vertex.api.showing import runs_table

    runs = read_runs(Api(vertex), config.name, arguments.limit)
    if arguments.json:
        _print_json([{key: value for key, value in dataclasses.asdict(run).items() if key != "tasks"} for run in runs])
    else:
        _console().print(runs_table(runs, config.name))


def _show(arguments: argparse.Namespace) -> None:
    config, vertex = _load(arguments)
    from pipeline.vertex.api.client import Api
    from pipeline.vertex.api.runs import read_run, run_link
    from pipeline.vertex.api.showing import show_run

    run = read_run(Api(vertex), config.name, arguments.run)
    if arguments.json:
        _print_json(dataclasses.asdict(run) | {"link": run_link(vertex, run.id)})
    else:
        show_run(run, vertex, _console())


def _cancel(arguments: argparse.Namespace) -> None:
    config, vertex = _load(arguments)
    from pipeline.vertex.api.client import Api
    from pipeline.vertex.api.runs import cancel_run, read_run

    api = Api(vertex)
    run = cancel_run(api, read_run(api, config.name, arguments.run))
    _say(f"{run.id} has ended already: {run.state}." if run.has_ended else f"{run.id} is being stopped.")


def _pause(arguments: argparse.Namespace) -> None:
    _set_paused(arguments, paused=True)


def _resume(arguments: argparse.Namespace) -> None:
    _set_paused(arguments, paused=False)


def _set_paused(arguments: argparse.Namespace, paused: bool) -> None:
    config, vertex = _load(arguments)
    from pipeline.vertex.api.client import Api
    from pipeline.vertex.api.schedule import set_paused

    moved = set_paused(Api(vertex), config.name, paused)
    state = "paused" if paused else "active"
    _say(f"The schedule {config.name} is {state}{'' if moved else ' already'}.")


def _load(arguments: argparse.Namespace) -> tuple[PipelineConfig, Vertex]:
    config = with_image(load_config(arguments.config), getattr(arguments, "image", None))
    if config.vertex is None:
        raise ConfigError(
            f"pipeline {config.name}: the config has no 'vertex' section. Add vertex: with project, region, "
            "pipeline_root, data_dir, serving_dir and image."
        )
    return config, config.vertex


def _job(arguments: argparse.Namespace, config: PipelineConfig) -> "Job":
    """The compiled job: the file that is named, or the config's own; lint looks at either."""
    from pipeline.vertex.job import read_job
    from pipeline.vertex.lint import job_findings
    from pipeline.vertex.lint.compiling import refuse
    from pipeline.vertex.lint.parameters import RUNTIME_PARAMETER_WITHOUT_VALUE

    if arguments.job is not None:
        job = read_job(arguments.job)
        # What --parameter gives is looked at later, with its types.
        refuse([fault for fault in job_findings(job, config) if fault.rule != RUNTIME_PARAMETER_WITHOUT_VALUE])
        _is_of(job, config)
        check_image(job, arguments.image)
        return job
    from pipeline.vertex.api.labels import made_of
    from pipeline.vertex.compile import compile_job

    with tempfile.TemporaryDirectory() as folder:
        return read_job(compile_job(config, folder, labels=made_of(config)))


def _is_of(job: "Job", config: PipelineConfig) -> None:
    """Of another pipeline it would run under this one's labels, and be listed, scheduled and cancelled for it."""
    if job.name != config.name:
        raise JobError(
            f"{job.path}: is of the pipeline {job.name!r}, but the config is that of {config.name!r}. Give the config "
            "that the job was compiled from."
        )


def _console(stderr: bool = False) -> Console:
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=_PIPED_WIDTH)


def _say(text: str, stderr: bool = False) -> None:
    print(text, file=sys.stderr if stderr else sys.stdout, flush=True)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_as_json))


def _as_json(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
