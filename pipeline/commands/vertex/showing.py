"""Shows runs, schedules and estimates on the terminal."""

import functools
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from configs.vertex.section import Vertex
from pipeline.runners.vertex.cost import Estimate, TaskCost
from pipeline.runners.vertex.runs import VertexRun, run_link
from pipeline.runners.vertex.schedule_listing import ListedSchedule

_REPORT = "report"
"""The output of RunReport that contains the page; it is shown in bold."""

_STYLES = {"succeeded": "green", "active": "green", "failed": "red", "cancelled": "yellow", "paused": "yellow"}


def runs_table(runs: list[VertexRun], title: str) -> Table:
    """Makes a table with one line for each run, newest first."""
    table = Table("run", "state", "created", "took", "commit", "data", "started by", title=title)
    for run in runs:
        table.add_row(
            escape(run.id),
            _styled(run.state),
            moment(run.created),
            _took(run.started, run.ended),
            run.labels.get("git_commit", "")[:10]
            + ("+" if run.labels.get("git_commit", "").endswith("-dirty") else ""),
            run.labels.get("data_digest", "")[:10],
            "schedule" if run.schedule else "",
        )
    return table


def schedules_table(schedules: list[ListedSchedule], title: str) -> Table:
    """Makes a table with one line for each schedule."""
    table = Table("schedule", "starts", "state", "cron", "next run", "ends", "created", title=title)
    for schedule in schedules:
        identifier = schedule.name.rpartition("/")[2]
        moments = (moment(schedule.next_run), moment(schedule.ends), moment(schedule.created))
        table.add_row(escape(identifier), schedule.starts, _styled(schedule.state), escape(schedule.cron), *moments)
    return table


def show_run(run: VertexRun, vertex: Vertex, console: Console) -> None:
    """Prints a run: its tasks, its labels, and where its outputs are."""
    say = functools.partial(console.print, highlight=False, soft_wrap=True)
    say(f"[bold]{escape(run.id)}[/] {_styled(run.state)}, created {moment(run.created)}")
    say(f"  {run_link(vertex, run.id)}")
    if run.error:
        say(f"  [red]{escape(run.error)}[/]")
    table = Table("task", "state", "started", "seconds")
    for task in run.tasks:
        took = f"{task.seconds:,.0f}" if task.seconds is not None else ""
        table.add_row(escape(task.id), _styled(task.state), moment(task.started), took)
    console.print(table)
    for task in run.tasks:
        if task.error:
            say(f"[red]{escape(task.id)}[/]: {escape(task.error)}")
    for key, value in run.labels.items():
        say(f"  {escape(key)}: {escape(value)}")
    for task in run.tasks:
        for key, uris in task.outputs.items():
            for uri in uris:
                text = f"{escape(task.id)}.{escape(key)}: {escape(uri)}"
                say(f"  [bold]{text}[/]" if key == _REPORT else f"  {text}")


def show_estimate(estimate: Estimate, sources: tuple[str, ...], console: Console) -> None:
    """Prints what a run will cost, task by task."""
    price = [estimate.currency] if estimate.currency else []
    table = Table("task", "minutes", "vCPU-hours", "GB-hours", "GPU-hours", "machine-hours", *price)
    for task in estimate.tasks:
        table.add_row(escape(task.task), *_cells(task), *[_figure(task.price) for _ in price])
    if known := [task for task in estimate.tasks if task.seconds is not None]:
        table.add_section()
        table.add_row(
            "sum of known tasks",
            f"{sum(task.hours for task in known) * 60:,.1f}",
            f"{sum(task.hours * task.holdings.cpus for task in known):,.2f}",
            f"{sum(task.hours * task.holdings.memory_gb for task in known):,.2f}",
            _hours([(task.hours, task.holdings.accelerators) for task in known]),
            _hours([(task.hours, task.holdings.machines) for task in known]),
            *[_figure(estimate.total) for _ in price],
        )
    console.print(table)
    say = functools.partial(console.print, highlight=False, soft_wrap=True)
    if estimate.total is not None:
        at_least = "at least " if estimate.untimed or estimate.unpriced else ""
        say(f"The run costs {at_least}{estimate.total:,.2f} {estimate.currency}, if no cached result is reused.")
    if sources:
        say(f"Times are from: {', '.join(sources)}.")
    else:
        say("No times are known yet: rehearse the job, or wait for the first run.")
    if estimate.untimed and sources:
        say(f"The time is unknown for {', '.join(estimate.untimed)}.")
    if estimate.unpriced:
        say(f"The price is unknown for {', '.join(estimate.unpriced)}; the sum leaves it out.")


def moment(when: datetime | None) -> str:
    """Formats a time in UTC."""
    return f"{when.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC" if when is not None else ""


def _cells(task: TaskCost) -> list[str]:
    held, hours = task.holdings, task.hours
    if task.seconds is None:
        return [
            "?",
            f"{held.cpus:g} × ?",
            f"{held.memory_gb:g} × ?",
            *(
                ", ".join(f"{count} × ? {name}" for name, count in found.items())
                for found in (held.accelerators, held.machines)
            ),
        ]
    return [
        f"{hours * 60:,.1f}",
        f"{held.cpus * hours:,.2f}",
        f"{held.memory_gb * hours:,.2f}",
        _hours([(hours, held.accelerators)]),
        _hours([(hours, held.machines)]),
    ]


def _hours(held: Iterable[tuple[float, Mapping[str, int]]]) -> str:
    """Formats the summed hours by type."""
    sums: dict[str, float] = {}
    for hours, counts in held:
        for name, count in counts.items():
            sums[name] = sums.get(name, 0.0) + hours * count
    return ", ".join(f"{hours:,.2f} {name}" for name, hours in sums.items())


def _figure(price: float | None) -> str:
    return "?" if price is None else f"{price:,.2f}"


def _styled(state: str) -> str:
    style = _STYLES.get(state)
    return f"[{style}]{state}[/]" if style else state


def _took(started: datetime | None, ended: datetime | None) -> str:
    if started is None or ended is None:
        return ""
    minutes, seconds = divmod(round((ended - started).total_seconds()), 60)
    return f"{minutes} min {seconds:02d} s"
