"""Prints the progress of a rehearsal: running tasks, each task that ends, and at the end the lineage of artifacts."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from pipeline.ground.terminal import wide
from pipeline.job.lint import explain
from pipeline.job.rehearsal.context import LOG_FILE, Rehearsal, log_tail
from pipeline.job.rehearsal.records import CACHED, FAILED, NOT_RUN, SKIPPED, SUCCEEDED, Artifact, Record

_STYLES = {SUCCEEDED: "green", CACHED: "green", FAILED: "red", SKIPPED: "yellow", NOT_RUN: "yellow"}
_HEADLINES = ("hit_rate_at_10", "ndcg_at_10", "recall_at_100", "popularity_ndcg_at_10", "blessed")
_METRICS, _PAGE = "system.Metrics", "system.HTML"


class Showing:
    """Progress of one rehearsal."""

    def __init__(self, console: Console, rehearsal: Rehearsal, folder: Path, tasks: int) -> None:
        """Prepares the progress bar.

        Args:
            console: The console to print to.
            rehearsal: The rehearsal to show.
            folder: The rehearsal's folder.
            tasks: Number of tasks.
        """
        self._console, self._rehearsal, self._folder, self._tasks = console, rehearsal, folder, tasks
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}
        self._since = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._bar = self._progress.add_task("", total=tasks)

    def __enter__(self) -> "Showing":
        """Prints the first lines and starts the progress bar."""
        self._say(f"Rehearsal [bold]{self._rehearsal.id}[/], {self._tasks} tasks")
        self._say(f"Job, logs, inputs and outputs: {escape(str(self._folder))}")
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops the progress bar."""
        self._progress.stop()

    def started(self, path: str) -> None:
        """Adds a task that has started to the progress bar."""
        with self._lock:
            self._running[path] = time.monotonic()
            self._describe()

    def ended(self, record: Record) -> None:
        """Prints how a task has ended; for a failed one also the end of its log and what lint finds."""
        with self._lock:
            self._running.pop(record.task, None)
            self._describe()
            self._progress.advance(self._bar)
            style = _STYLES[record.state]
            how = f"[{style}]{record.state}[/]"
            if record.state == SUCCEEDED:
                how += f" in {record.seconds:.1f} s"
            if record.attempts > 1:
                how += f", {record.attempts} attempts"
            if record.cached_from:
                how += f", from {record.cached_from}"
            if record.reason:
                how += f": {escape(record.reason)}"
            self._say(f"  {escape(record.task):<42} {how}")
            if record.state == FAILED:
                log = log_tail(self._rehearsal.records.task_dir(record.run, record.task) / LOG_FILE)
                self._console.print(escape(log), style="dim", highlight=False, soft_wrap=True)
                faults = explain(self._rehearsal.job, record.task)
                for finding in (fault for fault in faults if fault.severity == "error"):
                    self._say(f"    [yellow]{finding.rule}[/], {escape(finding.where)}: {escape(finding.why)}")
                    self._say(f"    What to do: {escape(finding.fix)}")

    def summary(self, records: Mapping[str, Record]) -> None:
        """Prints the lineage of all artifacts, the metrics, and the paths of pages."""
        table = Table("task", "ended", "s", Column("made from", no_wrap=True), "made", title="Lineage")
        producers = self._rehearsal.records.producers()
        for record in sorted(records.values(), key=lambda record: record.ended):
            sources = {
                f"{producers[name].task if name in producers else 'elsewhere'}"
                + (f" of {producers[name].run}" if name in producers and producers[name].run != record.run else "")
                for names in record.inputs.values()
                for name in names
            }
            made = [f"{key}: {artifact.title}" for key, artifacts in record.artifacts.items() for artifact in artifacts]
            table.add_row(
                escape(record.task),
                f"[{_STYLES[record.state]}]{record.state}[/]",
                f"{record.seconds:.1f}",
                escape("\n".join(sorted(sources))),
                escape("\n".join(made)),
            )
        wide(self._console).print(table)
        artifacts = [
            artifact for record in records.values() for found in record.artifacts.values() for artifact in found
        ]
        for artifact in artifacts:
            if artifact.title == _METRICS:
                self._metrics(artifact)
            elif artifact.title == _PAGE:
                self._say(f"  Page         {escape(self._rehearsal.buckets.local(artifact.uri))}")
        states = [record.state for record in records.values()]
        counts = ", ".join(f"{states.count(state)} {state}" for state in _STYLES if state in states)
        self._say(f"{counts} in {time.monotonic() - self._since:.1f} s")

    def _metrics(self, artifact: Artifact) -> None:
        """Prints our main metrics; for another pipeline's artifact, all numbers."""
        numbers = {name: value for name, value in artifact.metadata.items() if isinstance(value, (int, float))}
        names = [name for name in _HEADLINES if name in numbers] or sorted(numbers)
        self._say(f"  Metrics      {escape(', '.join(f'{name} {numbers[name]:.4g}' for name in names))}")

    def _describe(self) -> None:
        self._progress.update(self._bar, description=", ".join(self._running) or "")

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)
