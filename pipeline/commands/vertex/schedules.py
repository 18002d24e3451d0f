"""The commands `perennial vertex schedules list`, `put`, `pause` and `resume`."""

import argparse
import dataclasses
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pipeline.commands.arguments import add_command, add_config, add_json, add_purpose, add_subgroup
from pipeline.commands.vertex.arguments import add_request, compiled_job, load
from pipeline.commands.vertex.estimate import estimate_run
from pipeline.ground.terminal import console, print_json, say

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands
    from pipeline.runners.vertex.schedule_request import Purpose


def add_parser(commands: "Commands") -> None:
    """Adds `schedules` to `perennial vertex`.

    Args:
        commands: The group.
    """
    group = add_subgroup(
        commands,
        "schedules",
        "list, create, update, pause and resume the pipeline's schedules on Vertex",
        "A pipeline has a schedule of runs, and may have one of comparisons and one of searches; vertex.schedule, "
        "vertex.compare_schedule and vertex.tune_schedule in the config say when.",
    )
    listing = add_command(
        group,
        "list",
        "list the pipeline's schedules on Vertex: state, cron and next run",
        _list,
        details="Of each purpose, the newest schedule comes first. One that is completed starts no more runs.",
        examples=["perennial vertex schedules list", "perennial vertex schedules list --json"],
    )
    add_config(listing)
    add_json(listing)
    putting = add_command(
        group,
        "put",
        "create or update the schedule from the config",
        _put,
        details="Updates the schedule of this name if there is one, so that there is never a second one. A paused "
        "schedule stays paused. Runs of one schedule do not overlap: a time at which the last run is still in progress "
        "is skipped. Runs of two schedules may overlap: give them other days or hours.",
        examples=["perennial vertex schedules put --dry-run", "perennial vertex schedules put --compare"],
    )
    add_request(putting)
    pausing = add_command(
        group,
        "pause",
        "pause the schedule; it starts no further runs",
        lambda arguments: _set_paused(arguments, paused=True),
        details="A run that is in progress continues.",
        examples=["perennial vertex schedules pause", "perennial vertex schedules pause --compare"],
    )
    resuming = add_command(
        group,
        "resume",
        "resume the schedule; missed runs are not backfilled",
        lambda arguments: _set_paused(arguments, paused=False),
        details="The next run starts at the schedule's next time.",
        examples=["perennial vertex schedules resume"],
    )
    for parser in (pausing, resuming):
        add_config(parser)
        add_purpose(parser)


def _list(arguments: argparse.Namespace) -> None:
    config, vertex = load(arguments)
    from pipeline.cloud.client import Api
    from pipeline.commands.vertex.showing import schedules_table
    from pipeline.runners.vertex.schedule_listing import read_schedules

    found = read_schedules(Api(vertex), config.name)
    if arguments.json:
        print_json([dataclasses.asdict(schedule) for schedule in found])
    elif not found:
        say(f"The pipeline {config.name} has no schedule. `perennial vertex schedules put` creates it.")
    else:
        console().print(schedules_table(found, config.name))


def _put(arguments: argparse.Namespace) -> None:
    """Creates or updates the schedule, or prints the request."""
    config, vertex = load(arguments)
    from pipeline.cloud.client import Api, parent
    from pipeline.job.parameters import parameter_values
    from pipeline.runners.vertex import schedule, schedule_request
    from pipeline.runners.vertex.labels import labels
    from pipeline.runners.vertex.request import pipeline_job
    from pipeline.runners.vertex.submit import check_places

    # Before the job is compiled, which takes seconds.
    purpose = _purpose(arguments)
    section = schedule_request.section(config, purpose)
    moments = schedule_request.upcoming(section, datetime.now(timezone.utc), purpose)
    job = compiled_job(arguments, config)
    values = parameter_values(job, arguments.parameter)
    described = pipeline_job(job, vertex, values, labels(config, job), cache=not arguments.no_cache)
    wanted = schedule_request.described(config, purpose, parent(vertex), described)
    api = None if arguments.dry_run else Api(vertex)
    if api is not None:
        check_places(api, described)
    if not arguments.without_estimate:
        estimate_run(api, config, job)
    if api is None:
        next_runs = ", ".join(f"{moment:%Y-%m-%d %H:%M %Z}" for moment in moments)
        say(f"Next runs: {next_runs or 'none, the schedule has ended'}", stderr=True)
        print_json(wanted)
        return
    put = schedule.put_schedule(api, wanted)
    say(f"{'Created' if put.made else 'Updated'} {put.schedule.name}: {put.schedule.cron}")
    if vertex.experiment is not None:
        say(f"The experiment {vertex.experiment} does not list the schedule's runs; it lists those of `submit`.")
    if schedule.is_paused(put.schedule):
        say("The schedule is paused: `perennial vertex schedules resume` resumes it.")
    else:
        moment = schedule.next_run(put.schedule, section.time_zone)
        say(f"Next run: {f'{moment:%Y-%m-%d %H:%M %Z}' if moment else 'none'}")


def _set_paused(arguments: argparse.Namespace, paused: bool) -> None:
    config, vertex = load(arguments)
    from pipeline.cloud.client import Api
    from pipeline.runners.vertex.schedule import set_paused
    from pipeline.runners.vertex.schedule_request import display_name

    name = display_name(config.name, _purpose(arguments))
    changed = set_paused(Api(vertex), name, paused)
    state = "paused" if paused else "active"
    say(f"The schedule {name} is {state}{'' if changed else ' already'}.")


def _purpose(arguments: argparse.Namespace) -> "Purpose":
    return "compare" if arguments.compare else "tune" if arguments.tune else "run"
