"""The command `perennial vertex submit`."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from common.errors import VertexError
from pipeline.commands.arguments import add_command
from pipeline.commands.vertex.arguments import add_request, compiled_job, load
from pipeline.commands.vertex.estimate import estimate_run
from pipeline.ground.terminal import console, print_json, say

if TYPE_CHECKING:
    from pipeline.cloud.client import Api
    from pipeline.commands.arguments import Commands
    from pipeline.runners.vertex.runs import VertexRun

_INTERRUPTED = 130
"""The exit status that shells use for a command that Ctrl-C ended."""


def add_parser(commands: "Commands") -> None:
    """Adds `submit` to `perennial vertex`.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "submit",
        "start a run on Vertex, after an estimate of its cost",
        _submit,
        details="Prints the estimate on standard error, and the run's id and its address in the console on standard "
        "output. A run that would cost more than vertex.cost.ceiling is not started.",
        examples=[
            "perennial vertex submit --dry-run",
            "perennial vertex submit --wait",
            "perennial vertex submit --job pipeline.json --parameter log_dir=gs://my-data/2026-11-24",
        ],
    )
    add_request(parser)
    parser.add_argument(
        "--wait", action="store_true", help="follow the run until it ends; end with status 1 if it fails"
    )


def _submit(arguments: argparse.Namespace) -> None:
    """Starts a run, or prints the request."""
    config, vertex = load(arguments)
    job = compiled_job(arguments, config)
    from pipeline.cloud.client import Api, parent
    from pipeline.job.parameters import parameter_values
    from pipeline.runners.vertex.data_digest import data_digest
    from pipeline.runners.vertex.labels import data_label, labels
    from pipeline.runners.vertex.request import create_request, pipeline_job, run_id
    from pipeline.runners.vertex.submit import check_places

    values = parameter_values(job, arguments.parameter)
    described = pipeline_job(job, vertex, values, labels(config, job), cache=not arguments.no_cache)
    api = None if arguments.dry_run else Api(vertex)
    if api is not None:
        check_places(api, described)
        described["labels"] = data_label(data_digest(api, job, values)) | described["labels"]
    if not arguments.without_estimate:
        estimate_run(api, config, job)
    request = create_request(parent(vertex), described, run_id(job.name))
    if api is None:
        print_json(request)
    else:
        _start(api, request, wait=arguments.wait)


def _start(api: "Api", request: dict[str, Any], wait: bool) -> None:
    from pipeline.runners.vertex.runs import as_run, run_link
    from pipeline.runners.vertex.submit import create_run, may_have_been_started

    experiment = api.vertex.experiment
    if experiment is not None:
        from pipeline.runners.vertex.experiment import prepare_experiment

        prepare_experiment(api, experiment)
    run: VertexRun | None = None
    try:
        run = as_run(create_run(api, request))
        say(f"{run.id}\n{run_link(api.vertex, run.id)}")
        if experiment is not None:
            _join(api, experiment, run)
        if wait:
            _follow(api, run)
    except KeyboardInterrupt:
        if run is None:
            advice = may_have_been_started(request["pipelineJobId"])
        else:
            advice = (
                f"The run continues. See it with `perennial vertex runs show {run.id}`; stop it with `perennial "
                f"vertex runs cancel {run.id}`."
            )
        say(f"\n{advice}", stderr=True)
        sys.exit(_INTERRUPTED)


def _join(api: "Api", experiment: str, run: "VertexRun") -> None:
    """Adds the run to the experiment. The run has started, so a failure here is a warning and not an error."""
    from pipeline.runners.vertex.experiment import join_experiment

    try:
        joined = join_experiment(api, experiment, run.name)
        why = "" if joined else "Vertex has not started it yet."
    except VertexError as e:
        joined, why = False, str(e)
    if not joined:
        say(f"Warning: the run is not in the experiment {experiment}: {why}", stderr=True)


def _follow(api: "Api", run: "VertexRun") -> None:
    from pipeline.cloud.client import Api
    from pipeline.runners.vertex.following import PATIENCE, follow

    run = follow(Api(api.vertex, PATIENCE), run, console())
    say(f"{run.id} succeeded")
