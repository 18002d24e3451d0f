"""Shows runs on a terminal and as JSON values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.store.runs import contents
from pipeline.store.runs.diff import Change, RunDiff
from pipeline.store.runs.metadata import WITHDRAWN
from pipeline.store.runs.records import NodeExecution, Run

HEADLINE = "ndcg_at_10"
"""The property of ModelEvaluation that a table shows for each run."""

_STYLES = {"succeeded": "green", "complete": "green", "cached": "dim", "running": "cyan"}
"""Style by state; a state without an entry is a failure and is shown in red."""


def run_summary(run: Run) -> dict[str, Any]:
    """Returns one line of `perennial runs list` as JSON values; None for values that the run did not reach.

    Args:
        run: The run.
    """
    evaluation, blessing, pushed = (run.output(t) for t in ("ModelEvaluation", "ModelBlessing", "PushedModel"))
    was_pushed = pushed is not None and pushed.properties.get("pushed") == 1
    return {
        "number": run.number,
        "run_id": run.run_id,
        "started": run.started.isoformat(timespec="seconds"),
        "seconds": run.seconds,
        "state": run.state,
        "executed": sum(node.state == "complete" for node in run.nodes),
        "cached": sum(node.state == "cached" for node in run.nodes),
        HEADLINE: evaluation.properties.get(HEADLINE) if evaluation else None,
        "blessed": bool(blessing.properties.get("blessed")) if blessing else None,
        "refused_by": next(iter(contents.failed_rules(run)), None),
        "withdrawn": blessing is not None and blessing.properties.get(WITHDRAWN) == 1,
        "pushed_version": pushed.properties.get("pushed_version") if pushed and was_pushed else None,
    }


def runs_table(runs: list[Run]) -> Table:
    """Makes the table of `perennial runs list`.

    Args:
        runs: The runs, oldest first.
    """
    table = Table("run", "started", "seconds", "state", "new", "cached", "nDCG@10", "gate", "version", box=SIMPLE)
    for column in table.columns:
        column.no_wrap = column.header not in ("gate", "started")
    for run in runs:
        summary = run_summary(run)
        refused = "withdrawn by a rollback" if summary["withdrawn"] else f"refused: {summary['refused_by']}"
        gate = {True: "blessed", False: refused, None: ""}[summary["blessed"]]
        metric = summary[HEADLINE]
        table.add_row(
            str(run.number),
            _moment(run),
            _seconds(run.seconds),
            _styled(run.state),
            str(summary["executed"]),
            str(summary["cached"]),
            "" if metric is None else f"{metric:.4f}",
            gate,
            summary["pushed_version"] or "",
        )
    return table


def run_details(run: Run) -> dict[str, Any]:
    """Returns the output of `perennial runs show` as JSON values.

    Args:
        run: The run.
    """
    evaluation = contents.evaluation(run)
    return {
        **run_summary(run),
        "decision": evaluation.decision.model_dump() if evaluation else None,
        "nodes": [
            {
                "node": node.node_id,
                "state": node.state,
                "seconds": node.seconds,
                "outputs": {key: [ref.uri for ref in refs] for key, refs in node.outputs.items()},
                "error": node.error,
            }
            for node in run.nodes
        ],
    }


def show_run(run: Run, report: Path, console: Console) -> None:
    """Prints one run: how it ended, the gate's decision, its nodes, and why one failed.

    Args:
        run: The run.
        report: Where its page is, if there is one.
        console: Where to print.
    """
    console.print(f"Run [bold]{run.number}[/] ({run.run_id}): {_styled(run.state)}, {_moment(run)}", highlight=False)
    evaluation = contents.evaluation(run)
    if evaluation is not None:
        decision = evaluation.decision
        console.print(
            "The gate [green]blessed[/] the model." if decision.blessed else "The gate [red]refused[/] the model."
        )
        rules = Table("rule", "result", "metric", "value", "limit", "what")
        for rule in decision.rules:
            passed = "[green]passed[/]" if rule.passed else "[red]failed[/]"
            rules.add_row(
                *(rule.rule, passed, rule.metric or "", _number(rule.value), _number(rule.limit), escape(rule.detail))
            )
        console.print(rules)
    elif kept := contents.failed_rules(run):
        console.print(
            f"The gate [red]refused[/] the model: {', '.join(kept)}. "
            "The numbers were deleted with other old artifacts.",
            highlight=False,
            soft_wrap=True,
        )
    nodes = Table("node", "state", "seconds", "outputs")
    for node in run.nodes:
        nodes.add_row(node.node_id, _styled(node.state), _seconds(node.seconds), _outputs(node))
    console.print(nodes)
    for node in run.nodes:
        if node.error:
            console.print(f"[red]{node.node_id}[/]: {escape(node.error)}", highlight=False, soft_wrap=True)
    if report.exists():
        console.print(f"Page: {report}", highlight=False, soft_wrap=True)


def show_diff(found: RunDiff, console: Console) -> None:
    """Prints the summary, then every difference.

    Args:
        found: The comparison.
        console: Where to print.
    """
    console.print(f"[bold]Run {found.before} → run {found.after}[/]", highlight=False)
    for sentence in found.summary:
        console.print(f"  {escape(sentence)}", highlight=False)
    if found.metrics:
        table = Table("contender", "metric", f"run {found.before}", f"run {found.after}", title="Metrics")
        for metric in found.metrics:
            table.add_row(metric.contender, metric.metric, escape(str(metric.before)), escape(str(metric.after)))
        console.print(table)
    if found.vocabularies:
        table = Table("vocabulary", "before", "after", "carried over", "new", "gone", title="Vocabularies")
        for v in found.vocabularies:
            table.add_row(v.name, *(f"{count:,}" for count in (v.before, v.after, v.carried, v.new, v.gone)))
        console.print(table)
    sections: Mapping[str, tuple[Change, ...]] = {
        "Configuration": found.config,
        "Code": found.code,
        "Data": found.data,
        "Schema": found.schema,
        "Start of training": found.start,
    }
    for title, changes in sections.items():
        if changes:
            table = Table("what", f"run {found.before}", f"run {found.after}", title=title)
            for change in changes:
                table.add_row(
                    *(escape("" if text is None else str(text)) for text in (change.what, change.before, change.after))
                )
            console.print(table)


def _moment(run: Run) -> str:
    return f"{run.started.astimezone():%Y-%m-%d %H:%M}"


def _styled(state: str) -> str:
    style = _STYLES.get(state, "red")
    return f"[{style}]{state}[/]"


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _outputs(node: NodeExecution) -> str:
    # The last two folders identify an output; whole paths, which are all under one root, would be too wide.
    uris = [ref.uri for refs in node.outputs.values() for ref in refs]
    return "\n".join("/".join(Path(uri).parts[-2:]) for uri in uris)
