"""Runs, schedules and estimates on the terminal."""

import functools
from datetime import datetime, timezone
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from configs.vertex import Vertex
from pipeline.vertex.api.cost import Estimate
from pipeline.vertex.api.runs import Run, run_link

_REPORT = "report"
"""The output of RunReport that is a page."""

_STYLES = {"succeeded": "green", "failed": "red", "cancelled": "yellow"}


def runs_table(runs: list[Run], title: str) -> Table:
    """One line a run, newest first."""
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


def show_run(run: Run, vertex: Vertex, console: Console) -> None:
    """A run: its tasks, its labels, where its outputs are."""
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
    """What a run is going to cost, task by task."""
    priced = estimate.currency != ""
    table = Table(
        "task", "minutes", "vCPU-hours", "GB-hours", "GPU-hours", "machine-hours", *[estimate.currency] * priced
    )
    for task in estimate.tasks:
        hours, held = task.hours, task.holdings
        known = task.seconds is not None
        cells = [
            f"{hours * 60:,.1f}" if known else "?",
            f"{held.cpus * hours:,.2f}" if known else f"{held.cpus:g} × ?",
            f"{held.memory_gb * hours:,.2f}" if known else f"{held.memory_gb:g} × ?",
            _each(held.accelerators, hours, known),
            _each(held.machines, hours, known),
        ]
        table.add_row(escape(task.task), *cells, *[f"{task.price:,.2f}" if task.price is not None else "?"] * priced)
    console.print(table)
    say = functools.partial(console.print, highlight=False, soft_wrap=True)
    if estimate.total is not None:
        at_least = "at least " if estimate.untimed or estimate.unpriced else ""
        say(
            f"The run costs {at_least}{estimate.total:,.2f} {estimate.currency}, if no task is answered from the cache."
        )
    say(f"Times: {', '.join(sources) if sources else 'none known yet; rehearse, or wait for the first run'}.")
    if estimate.untimed and sources:
        say(f"No time is known of {', '.join(estimate.untimed)}.")
    if estimate.unpriced:
        say(f"No price is known of {', '.join(estimate.unpriced)}; it is left out.")


def moment(when: datetime | None) -> str:
    """A moment in UTC, for people."""
    return f"{when.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC" if when is not None else ""


def _each(held: Any, hours: float, known: bool) -> str:
    return ", ".join(f"{count * hours:,.2f} {name}" if known else f"{count} × ? {name}" for name, count in held.items())


def _styled(state: str) -> str:
    style = _STYLES.get(state)
    return f"[{style}]{state}[/]" if style else state


def _took(started: datetime | None, ended: datetime | None) -> str:
    if started is None or ended is None:
        return ""
    minutes, seconds = divmod(round((ended - started).total_seconds()), 60)
    return f"{minutes} min {seconds:02d} s"
