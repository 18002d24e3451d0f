"""The outcome of ingest: counts of the whole log, or the reason why it cannot be used."""

from typing import ClassVar

from common.errors import DataError
from configs.log import LogSettings
from documents.cleaning import EVAL, TRAIN, CleaningReport, DailyCounts, Outlier, SplitCounts, Step
from documents.document import Document
from documents.reading import LogReadingCounts
from pipeline.components.interaction_gen import cleaning, report, shard_report
from pipeline.components.interaction_gen.report import LogReport
from pipeline.components.interaction_gen.shard_report import ShardReport
from pipeline.ground import arrow_bytes


class IngestOutcome(Document):
    """The file that the workers write for the executor, which removes it."""

    FILE: ClassVar[str] = "outcome.json"

    fault: str | None
    """Why the log cannot be used after reading and cleaning; None if it can."""

    reading: LogReadingCounts
    recent_days: DailyCounts | None
    steps: dict[str, tuple[int, int]]
    """Step to the number of interactions before and after it."""

    splits: dict[str, SplitCounts]
    outliers: tuple[Outlier, ...]
    held_out_early: float | None


def conclude(facts: LogReport, found: ShardReport, log: LogSettings, now_seconds: float) -> IngestOutcome:
    """Puts together what was read and what was kept.

    Args:
        facts: What was read.
        found: What was kept of it.
        log: The log's config.
        now_seconds: The time of the run.
    """
    return IngestOutcome(
        fault=report.fault(facts, log, now_seconds) or shard_report.fault(found),
        reading=report.counts(facts, log),
        recent_days=None if found.recent is None else found.recent.counts(),
        steps=found.steps,
        splits={
            split: SplitCounts(**numbers, items=arrow_bytes.from_bytes(found.items[split]).num_rows)
            for split, numbers in found.splits.items()
        },
        outliers=shard_report.outliers_of(found),
        held_out_early=found.early[0] / found.early[1] if found.early[1] else None,
    )


def judge(found: IngestOutcome, log: LogSettings, events_export: int | None = None) -> CleaningReport:
    """Turns the outcome into the report.

    Args:
        found: The outcome.
        log: The log's config.
        events_export: See `reading.event_files.LogInputs`.

    Raises:
        DataError: The log cannot be used, or nothing is left of it.
    """
    if found.fault is not None:
        raise DataError(found.fault)
    counted = [(name, *found.steps[name]) for name in cleaning.STEPS]
    steps = tuple(Step(step=name, rows_in=before, rows_out=after) for name, before, after in counted)
    counts = ", ".join(f"{step.step} {step.rows_in} → {step.rows_out}" for step in steps)
    for step in steps:
        if step.rows_out == 0:
            raise DataError(
                f"no interactions are left after the cleaning step {step.step!r}, which received {step.rows_in} "
                f"({counts}). {_ADVICE[step.step]}"
            )
    for split in (TRAIN, EVAL):
        if not found.splits[split].users:
            raise DataError(
                f"the split {log.split.method!r} leaves no interactions for {split}; cleaning kept "
                f"{steps[-1].rows_out} ({counts}). {_SPLIT_ADVICE[log.split.method]}"
            )
    return CleaningReport(
        **dict(found.reading),
        recent_days=found.recent_days,
        events_export=events_export,
        steps=steps,
        splits=found.splits,
        outliers=found.outliers,
        held_out_early=found.held_out_early,
    )


_ADVICE = {
    "window": "Widen cleaning.window_days.",
    "deduplicate": "Set cleaning.deduplicate: none.",
    "positives": "Lower cleaning.positive_min, or check columns.value.",
    "top_items": "Raise cleaning.top_items.",
    "active_users": "Lower cleaning.min_user_events.",
}

_SPLIT_ADVICE = {
    "leave_last": "A user needs two interactions so that one can be held out: clean less, or use another split.",
    "time": "All interactions may have one timestamp: check columns.timestamp, or use another split.",
    "random": "A user needs two items so that one can be held out: raise split.eval_fraction, or use another split.",
    "given": "Check the globs of path.train and path.eval.",
}
