"""Builds the report of a run as one self-contained HTML page: no script, no network, with its charts inside."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import jinja2
from markupsafe import Markup, escape

from documents.cleaning import TRAIN
from documents.evaluation import LAST_BLESSED, MODEL, POPULARITY, ContenderMeasurements, Item, Measurement, Samples
from pipeline.report import numbers
from pipeline.report.answers import by_position, by_version
from pipeline.report.charts import progress, quality
from pipeline.report.charts.answers import positions_chart
from pipeline.report.charts.comparison import comparison_chart
from pipeline.report.charts.lineage import lineage_chart
from pipeline.report.comparison import COST, QUALITY
from pipeline.report.facts import RunFacts
from pipeline.report.lineage import artifact_rows, edges_of
from pipeline.report.verdict import verdict

SECTIONS = {
    "gate": "The gate",
    "comparison": "Comparison",
    "quality": "Quality",
    "slices": "Slices",
    "retraining": "Whether training was due",
    "learning": "Learning",
    "data": "Data",
    "serving": "Serving check",
    "samples": "Samples",
    "events": "Answers and events",
    "lineage": "Time and lineage",
}
"""Title of each section by its name, which is also its template's; in the order of the page."""

_ABSENT = {
    "gate": "The gate did not judge a model: there is no evaluation of this run's model.",
    "quality": "No model of this run was evaluated.",
    "slices": "No model of this run was evaluated in slices.",
    "learning": "Nothing was trained: the run ended before training.",
    "serving": "The model was not loaded in a separate process.",
    "samples": "No model of this run recommended samples.",
}
"""Text that is shown in place of a section if the run has nothing for it, by the section's name. Most pipelines have no
events, and nobody misses them."""

_HANDED_ON = "Nothing has changed since the last blessed model, so it was copied and nothing was trained."

_CHARTED = ("ndcg@10", "recall@10", "mrr", "coverage@10", "gini@10", "novelty@10")
"""Metrics with a chart of their own; each shows something that the others do not."""

_MAIN_METRICS = ("ndcg@10", "recall@10", "hit_rate@10", "mrr", "coverage@10", "gini@10", "novelty@10")
"""The first rows of the table."""

_COMPARED = ("ndcg@10", "ndcg@100", "hit_rate@10", "recall@100")
"""Metrics by which the winner of a comparison is compared with the others."""

_SLICE_METRIC = "recall@10"

_TITLE_CHARACTERS = 120
"""Longest title of an item on the page: long enough to recognise the item, too short to fill the page."""

_KEPT_CHARTS = 64
"""More than two pages have."""

_Chart = TypeVar("_Chart", str, list[str])

_DRAWN: dict[tuple[str, str], Any] = {}


@dataclass(frozen=True)
class Figure:
    """A number that the page shows in large type."""

    name: str
    value: str
    note: str = ""


def build_page(facts: RunFacts, home: Path | None = None) -> str:
    """Builds the page.

    Args:
        facts: The run's facts.
        home: The pipeline's folder on this machine, see `from_home`.

    Returns:
        An HTML document. It says what is missing; it leaves nothing blank.
    """
    page = environment().get_template("report.html.j2")
    missing = _missing(facts)
    absent = {**_ABSENT, "learning": _HANDED_ON} if facts.is_handed_on else _ABSENT
    html = page.render(
        facts=facts,
        run=facts.run,
        verdict=verdict(facts),
        sections={section: title for section, title in SECTIONS.items() if section not in missing},
        absent={SECTIONS[section]: absent[section] for section in SECTIONS if section in missing & absent.keys()},
        figures=_figures(facts),
        charts={name: _safe(chart) for name, chart in _charts(facts).items()},
        names=quality.CONTENDERS,
        markers=quality.MARKERS,
        metrics=_metrics(facts),
        slice_metric=_SLICE_METRIC,
        slice_measurement=_slice_measurement,
        directions=_direction,
        best=_best,
        answers={"versions": by_version(facts.events), "positions": by_position(facts.events)} if facts.events else {},
        comparison_tables=(QUALITY, COST),
        comparison_metrics=_COMPARED,
        artifacts=artifact_rows(facts.run) if facts.run else [],
    )
    return from_home(html, home)


def from_home(html: str, home: Path | None) -> str:
    """Shortens the paths on a page: people pass pages on, and a page should not show whose machine it was.

    Args:
        html: The page.
        home: The pipeline's folder on this machine; paths into it become relative to it.

    Returns:
        The page; paths into the user's home folder begin with `~`.
    """
    for folder, shown in ((home, ""), (Path(os.path.expanduser("~")), "~/")):
        if folder is not None and folder != Path(folder.anchor):
            html = re.sub(rf"(?<![\w./~-]){re.escape(str(escape(folder)))}/", shown, html)
    return html


@lru_cache
def environment() -> jinja2.Environment:
    """Loads the templates, with the filters and the style that they use."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline.report"),
        autoescape=True,  # titles and errors come from data
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {
        "significant": numbers.significant,
        "signed": numbers.signed,
        "count": numbers.count,
        "share": numbers.share,
        "duration": numbers.duration,
        "moment": numbers.moment,
        "short": _short,
        "title": _title,
        "most": lambda counts: sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])),
    }
    assert environment.loader is not None
    style, _, _ = environment.loader.get_source(environment, "style.css")
    environment.globals["style"] = Markup(style)
    return environment


def _missing(facts: RunFacts) -> set[str]:
    samples = facts.evaluation.samples if facts.evaluation else Samples()
    there = {
        "gate": facts.evaluation is not None,
        "comparison": facts.comparison is not None,
        "quality": bool(facts.contenders),
        "slices": bool(facts.contenders and facts.contenders[MODEL].slices),
        "retraining": facts.retraining is not None,
        "learning": facts.training is not None and not facts.is_handed_on,
        "serving": facts.serving_check is not None,
        "events": bool(facts.events and facts.events.positions),
        "samples": bool(samples.recommendations or samples.neighbours),
    }
    return {section for section, present in there.items() if not present}


def _short(text: object, characters: int) -> str:
    whole = str(text)
    return whole if len(whole) <= characters else f"{whole[: characters - 1]}…"


def _title(item: Item) -> str:
    return _short(item.title or item.item_id, _TITLE_CHARACTERS)


def _safe(chart: str | list[str]) -> Markup | list[Markup]:
    """Marks charts as safe HTML: matplotlib has escaped their texts."""
    return [Markup(svg) for svg in chart] if isinstance(chart, list) else Markup(chart)


def _drawn(chart: Callable[..., _Chart], *data: Any) -> _Chart:
    """Draws a chart, unless it was drawn in this process from the same data: a local run writes two pages."""
    key = (chart.__name__, repr(data))
    if key not in _DRAWN:
        while len(_DRAWN) >= _KEPT_CHARTS:
            _DRAWN.pop(next(iter(_DRAWN)))
        _DRAWN[key] = chart(*data)
    drawn: _Chart = _DRAWN[key]
    return drawn


def _charts(facts: RunFacts) -> dict[str, str | list[str]]:
    charts: dict[str, str | list[str]] = {}
    if facts.evaluation and facts.contenders:
        contenders, differences = facts.contenders, facts.evaluation.differences
        charts["contenders"] = [_drawn(quality.contenders_chart, contenders, metric) for metric in _CHARTED]
        charts["over_k"] = [_drawn(quality.over_k_chart, contenders, metric) for metric in ("recall", "ndcg")]
        charts["differences"] = _drawn(quality.differences_chart, differences, ("ndcg@10", "recall@10", "hit_rate@10"))
        slicings = contenders[MODEL].slices
        charts["slices"] = [_drawn(quality.slices_chart, contenders, slicing, _SLICE_METRIC) for slicing in slicings]
    if facts.comparison:
        charts["comparison"] = _drawn(comparison_chart, facts.comparison)
    if facts.training and facts.epochs:
        choice = facts.training.choice
        if choice is not None and choice.epochs:
            charts["choosing"] = _drawn(progress.learning_charts, choice.epochs, choice.popularity, "choosing")
        if choice is None or choice.is_trained_again:
            charts["learning"] = _drawn(progress.learning_charts, facts.epochs, facts.training.popularity)
    if facts.warm_start:
        charts["vocabulary"] = _drawn(progress.vocabulary_chart, facts.warm_start.tables)
    if facts.cleaning:
        charts["cleaning"] = _drawn(progress.cleaning_chart, facts.cleaning)
    if facts.events:
        charts["positions"] = _drawn(positions_chart, by_position(facts.events))
    if facts.serving_check:
        charts["latency"] = _drawn(progress.latency_chart, facts.serving_check.signatures)
    if facts.run:
        charts["timings"] = _drawn(progress.timings_chart, [(n.node_id, n.state, n.seconds) for n in facts.run.nodes])
        charts["lineage"] = _drawn(lineage_chart, {n.node_id: n.state for n in facts.run.nodes}, edges_of(facts.run))
    none: dict[str, str | list[str]] = {
        "differences": "",
        "slices": [],
        "learning": [],
        "choosing": [],
        "comparison": "",
        "vocabulary": "",
        "latency": "",
    }
    return {**none, **charts}


def _figures(facts: RunFacts) -> list[Figure]:
    figures = []
    if facts.evaluation and facts.contenders:
        contenders, differences = facts.contenders, facts.evaluation.differences
        for metric in ("ndcg@10", "hit_rate@10", "coverage@10"):
            found = contenders[MODEL].metrics.get(metric)
            if found:
                baseline = contenders[POPULARITY].metrics.get(metric) if POPULARITY in contenders else None
                note = f"popularity {numbers.significant(baseline.value)}" if baseline else ""
                figures.append(Figure(metric, numbers.significant(found.value), note))
        change = differences.get(LAST_BLESSED, {}).get("ndcg@10")
        if change:
            note = f"against the last blessed: {numbers.signed(change.low)} to {numbers.signed(change.high)}"
            figures.append(Figure("ndcg@10, change", numbers.signed(change.value), note))
    if facts.cleaning and facts.cleaning.splits:
        train = facts.cleaning.splits[TRAIN]
        note = f"{numbers.count(train.users)} users, {numbers.count(train.items)} items"
        figures.append(Figure("training interactions", numbers.count(train.interactions), note))
    if facts.training and facts.training.seconds is not None and not facts.is_handed_on:
        epochs = f"{len(facts.epochs)} epochs" if facts.epochs else "in one step"
        figures.append(Figure("training", numbers.duration(facts.training.seconds), epochs))
    return figures


def _metrics(facts: RunFacts) -> dict[str, list[str]]:
    """Splits the names of the model's metrics into the main ones, shown first, and the others."""
    names = list(facts.contenders[MODEL].metrics) if facts.contenders else []
    main = [name for name in (*_MAIN_METRICS, "mean_popularity@10", "recall@100") if name in names]
    return {"main": main, "other": [name for name in names if name not in main]}


def _direction(metric: str) -> str:
    return {True: "↑ higher", False: "↓ lower", None: "–"}[quality.HIGHER_IS_BETTER.get(metric.split("@")[0])]


def _slice_measurement(contender: ContenderMeasurements, slicing: str, slice_: str) -> Measurement | None:
    found = contender.slices.get(slicing, {}).get(slice_)
    return found.metrics.get(_SLICE_METRIC) if found is not None else None


def _best(contenders: Mapping[str, ContenderMeasurements], metric: str) -> set[str]:
    """Returns the contenders with the best value; empty if neither direction is better."""
    higher = quality.HIGHER_IS_BETTER.get(metric.split("@")[0])
    found = {name: contender.metrics.get(metric) for name, contender in contenders.items()}
    known = {name: value.value for name, value in found.items() if value is not None and value.value is not None}
    if higher is None or not known:
        return set()
    best = max(known.values()) if higher else min(known.values())
    return {name for name, value in known.items() if value == best}
