"""The commands `schedule`, `pause` and `resume`."""

import argparse
from datetime import datetime, timezone

from pipeline.commands.vertex.arguments import compiled_job, load
from pipeline.commands.vertex.estimate import estimate_run
from pipeline.ground.terminal import print_json, say


def put(arguments: argparse.Namespace) -> None:
    """Puts the config's schedule on Vertex, or prints what would be sent."""
    config, vertex = load(arguments)
    from pipeline.cloud.client import Api, parent
    from pipeline.job.parameters import parameter_values
    from pipeline.runners.vertex import schedule, schedule_request
    from pipeline.runners.vertex.labels import labels
    from pipeline.runners.vertex.request import pipeline_job
    from pipeline.runners.vertex.submit import check_places

    # Before the job is compiled, which takes seconds.
    moments = schedule_request.upcoming(schedule_request.section(config), datetime.now(timezone.utc))
    job = compiled_job(arguments, config)
    values = parameter_values(job, arguments.parameter)
    described = pipeline_job(job, vertex, values, labels(config, job), cache=not arguments.no_cache)
    wanted = schedule_request.described(config, parent(vertex), described)
    api = None if arguments.dry_run else Api(vertex)
    if api is not None:
        check_places(api, described)
    if not arguments.without_estimate:
        estimate_run(api, config, job)
    if api is None:
        next_runs = ", ".join(f"{moment:%Y-%m-%d %H:%M %Z}" for moment in moments)
        say(f"Next runs: {next_runs or 'none, it has ended'}", stderr=True)
        print_json(wanted)
        return
    done = schedule.put_schedule(api, wanted)
    say(f"{done.schedule.name} {'made' if done.made else 'changed'}: {done.schedule.cron}")
    if vertex.experiment is not None:
        say(f"Its runs are not listed in the experiment {vertex.experiment}, as those of `submit` are.")
    if schedule.is_paused(done.schedule):
        say("It is paused: `perennial vertex resume` lets it run.")
    else:
        moment = schedule.next_run(done.schedule, schedule_request.section(config).time_zone)
        say(f"Next run: {f'{moment:%Y-%m-%d %H:%M %Z}' if moment else 'none'}")


def pause(arguments: argparse.Namespace) -> None:
    """Lets the pipeline's schedule start no further runs."""
    _set_paused(arguments, paused=True)


def resume(arguments: argparse.Namespace) -> None:
    """Lets it start runs again."""
    _set_paused(arguments, paused=False)


def _set_paused(arguments: argparse.Namespace, paused: bool) -> None:
    config, vertex = load(arguments)
    from pipeline.cloud.client import Api
    from pipeline.runners.vertex.schedule import set_paused

    moved = set_paused(Api(vertex), config.name, paused)
    state = "paused" if paused else "active"
    say(f"The schedule {config.name} is {state}{'' if moved else ' already'}.")
