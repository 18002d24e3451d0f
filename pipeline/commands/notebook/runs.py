"""Reads and shows runs for a notebook: metrics over time, and a run's facts."""

from collections.abc import Sequence
from typing import Any

from configs.pipeline import PipelineConfig
from documents.evaluation import MODEL, POPULARITY, ContenderMeasurements, Measurement
from pipeline.ground.home import local_metadata_path
from pipeline.report.charts.drawing import COLOURS, canvas
from pipeline.report.charts.lineage import lineage_chart
from pipeline.report.facts import RunFacts, parts_of_run, read_facts
from pipeline.report.lineage import edges_of
from pipeline.report.numbers import significant
from pipeline.report.verdict import verdict
from pipeline.store.runs.records import Run, read_runs


def runs_of(config: PipelineConfig) -> list[Run]:
    """Returns the pipeline's runs on this machine, oldest first."""
    return read_runs(local_metadata_path(config), config.name)


def facts_of(config: PipelineConfig, run: Run) -> RunFacts:
    """Returns the facts that the report of a run shows."""
    return read_facts(config.name, parts_of_run(run), run)


def required(facts: RunFacts, name: str) -> Any:
    """Returns a field of the facts that a notebook needs.

    Args:
        facts: The facts of a run.
        name: A field of the facts, such as `cleaning`.

    Raises:
        LookupError: The run has not made it; the message contains the run's own error.
    """
    found = getattr(facts, name)
    if found is None:
        assert facts.run is not None
        raise nothing_of(facts.run, name)
    return found


def nothing_of(run: Run, what: str) -> LookupError:
    """Makes the error that says that a run has not made something, and why the run failed if it did."""
    why = "".join(f"\n{node.node_id}: {node.error}" for node in run.nodes if node.error)
    return LookupError(
        f"run {run.number} has no {what}: it ended before this step, or its artifacts were deleted.{why}"
    )


def runs_rows(facts: Sequence[RunFacts]) -> list[dict[str, Any]]:
    """Makes a row for each run: how it ended, and its metrics.

    Args:
        facts: The facts of the runs, each with its `run`.
    """
    rows = []
    for run_facts in facts:
        assert run_facts.run is not None
        metrics = run_facts.contenders[MODEL].metrics if run_facts.contenders else {}
        rows.append(
            {
                "run": run_facts.run.number,
                "started": run_facts.run.started.strftime("%Y-%m-%d %H:%M"),
                "seconds": run_facts.run.seconds,
                "ndcg@10": metrics["ndcg@10"].value if metrics else None,
                "hit_rate@10": metrics["hit_rate@10"].value if metrics else None,
                "outcome": verdict(run_facts).headline,
            }
        )
    return rows


def history_chart(facts: Sequence[RunFacts], metric: str = "ndcg@10") -> str:
    """Draws a metric over runs with its interval, beside popularity on the same users.

    The dot of a model that was not pushed is hollow.

    Args:
        facts: The facts of the runs, oldest first; runs without an evaluation are left out.
        metric: A metric of the evaluation.

    Returns:
        An `<svg>` element; empty if no model was evaluated.
    """
    points = [
        (run_facts.run.number, ours, run_facts.contenders[POPULARITY].metrics[metric], verdict(run_facts).kind)
        for run_facts in facts
        if run_facts.run and (ours := _measured(run_facts.contenders.get(MODEL), metric)) is not None
    ]
    if not points:
        return ""
    description = ", ".join(f"run {n} {significant(ours.value)} ({kind})" for n, ours, _, kind in points)
    with canvas("history", f"{metric} by run: {description}", 2.6) as drawn:
        axes = drawn.axes()
        axes.set_title(f"{metric} by run")
        numbers = [number for number, _, _, _ in points]
        series = {
            POPULARITY: ("popularity", [popularity for _, _, popularity, _ in points]),
            MODEL: ("the run's model", [ours for _, ours, _, _ in points]),
        }
        for name, (label, values) in series.items():
            low = [v.low if v.low is not None else v.value for v in values]
            high = [v.high if v.high is not None else v.value for v in values]
            axes.vlines(numbers, low, high, color=COLOURS[name], linewidth=2.4, alpha=0.5)
            axes.plot(numbers, [v.value for v in values], color=COLOURS[name], linewidth=1.6, label=label)
        for number, ours, _, kind in points:
            filled = COLOURS["model"] if kind == "pushed" else COLOURS["paper"]
            axes.plot([number], [ours.value], marker="o", markersize=7, color=COLOURS["model"], markerfacecolor=filled)
        axes.set_xticks(numbers)
        axes.set_xlabel("run")
        axes.set_ylim(0)
        axes.legend(fontsize=8.5)
    return drawn.svg


def _measured(contender: ContenderMeasurements | None, metric: str) -> Measurement | None:
    found = contender.metrics.get(metric) if contender is not None else None
    return found if found is not None and found.value is not None else None


def lineage_of(run: Run) -> str:
    """Draws a run's lineage: which artifacts were made from which."""
    return lineage_chart({node.node_id: node.state for node in run.nodes}, edges_of(run))
