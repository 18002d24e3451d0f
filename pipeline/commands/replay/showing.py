"""Shows a replay's rounds as a table for the terminal and as a page with charts."""

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup
from rich.markup import escape
from rich.table import Table

from common.atomicity import write_text
from configs.pipeline import PipelineConfig
from documents.replay_rounds import PUSHED, REFUSED, STOPPED, Round
from pipeline.commands.replay.rounds import HEADLINE_METRICS, writing
from pipeline.ground.home import local_home
from pipeline.report.charts import quality
from pipeline.report.charts.rounds import quality_chart, seconds_chart
from pipeline.report.numbers import significant
from pipeline.report.page import environment, from_home

PAGE_FILE = "replay.html"
_STYLE = {PUSHED: "green", REFUSED: "yellow", STOPPED: "red"}
_REASON_CHARACTERS = 160
"""Longest reason in the terminal's table; the page shows the whole reason."""


def table(rounds: Sequence[Round]) -> Table:
    """Makes the table of the rounds for the terminal."""
    # Eighty characters wide with a version at the end; the page shows the other columns.
    shown = Table(box=None)
    for name in ("round", "events", "ended", "start"):
        shown.add_column(name, no_wrap=True)
    for name in (HEADLINE_METRICS[0], "popularity", "train s"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("version or reason", min_width=10)
    for finished in rounds:
        reason = (
            finished.reason
            if len(finished.reason) <= _REASON_CHARACTERS
            else f"{finished.reason[: _REASON_CHARACTERS - 1]}…"
        )
        values = [finished.metrics.get(contender, {}).get(HEADLINE_METRICS[0]) for contender in ("model", "popularity")]
        shown.add_row(
            str(finished.number),
            f"{finished.events:,}",
            f"[{_STYLE[finished.outcome]}]{finished.outcome}[/]",
            "–" if finished.train_seconds is None else "warm" if finished.warm else "cold",
            *(significant(value) for value in (*values, finished.train_seconds)),
            escape(reason) or finished.version,
        )
    return shown


def page(pipeline: str, rounds: Sequence[Round]) -> str:
    """Makes the page of the rounds, an HTML document.

    Args:
        pipeline: The pipeline's name.
        rounds: The rounds, at least one.
    """
    pushed = sum(finished.outcome == PUSHED for finished in rounds)
    outcomes = [finished.outcome for finished in rounds]
    measured = {contender for finished in rounds for contender in finished.metrics}
    series = {
        metric: {
            contender: [finished.metrics.get(contender, {}).get(metric) for finished in rounds]
            for contender in quality.CONTENDERS
        }
        for metric in HEADLINE_METRICS
    }
    charts = [quality_chart(metric, outcomes, by_contender) for metric, by_contender in series.items()]
    charts.append(
        seconds_chart([finished.seconds for finished in rounds], [finished.train_seconds for finished in rounds])
    )
    return (
        environment()
        .get_template("replay.html.j2")
        .render(
            pipeline=pipeline,
            rounds=rounds,
            metrics=HEADLINE_METRICS,
            names={name: said for name, said in quality.CONTENDERS.items() if name in measured},
            markers=quality.MARKERS,
            charts=[Markup(chart) for chart in charts],  # matplotlib has escaped their texts
            headline=f"{pushed} of {len(rounds)} rounds pushed a model",
            kind="pushed" if pushed == len(rounds) else "refused",
        )
    )


def write(config: PipelineConfig, rounds: Sequence[Round]) -> Path:
    """Writes the page into the replay's folder.

    Args:
        config: The replay's config, from `rounds.replay_config`.
        rounds: The rounds, at least one.

    Returns:
        The page's file.

    Raises:
        OutputError: The page cannot be written.
    """
    path = local_home(config) / PAGE_FILE
    with writing(local_home(config)):
        write_text(path, from_home(page(config.name, rounds), local_home(config)))
    return path
