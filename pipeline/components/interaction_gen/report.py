"""Reports what was read from the log, with its oldest and newest timestamps."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from configs.log import LogSettings
from documents.reading import LogReadingCounts
from pipeline.reading import bad_rows
from pipeline.reading import report as tabular_report
from pipeline.reading.report import ReadingReport

UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000}
"""Timestamp unit to the number of such units in a second."""


@dataclass
class LogReport:
    """What was read from the log."""

    reading: ReadingReport = field(default_factory=ReadingReport)
    oldest: int | None = None
    newest: int | None = None
    """Timestamps of good rows, in the log's unit."""

    future_as: Counter[str] = field(default_factory=Counter)
    """By unit: the future timestamps that would not be in the future if they were in that unit."""

    def span(self) -> tuple[int, int]:
        """Returns the oldest and the newest timestamp of a log that has timestamps."""
        assert self.oldest is not None
        assert self.newest is not None
        return self.oldest, self.newest


def merge(reports: Iterable[LogReport], max_quarantine_rows: int) -> LogReport:
    """Merges reports of different blocks, in any order; see `pipeline.reading.report.merge`."""
    parts = list(reports)
    return LogReport(
        tabular_report.merge([part.reading for part in parts], max_quarantine_rows),
        min((part.oldest for part in parts if part.oldest is not None), default=None),
        max((part.newest for part in parts if part.newest is not None), default=None),
        sum((part.future_as for part in parts), Counter()),
    )


def fault(report: LogReport, log: LogSettings) -> str | None:
    """Explains why the log cannot be used as it was read; None if it can."""
    return tabular_report.fault(
        report.reading, log.cleaning.max_bad_fraction, "cleaning.max_bad_fraction", _unit_hint(report)
    )


def counts(report: LogReport, log: LogSettings) -> LogReadingCounts:
    """Returns the counts, without the rows themselves; timestamps in Unix seconds."""
    per_second = UNITS[log.timestamp_unit]
    return LogReadingCounts(
        **dict(tabular_report.counts(report.reading)),
        oldest_timestamp=None if report.oldest is None else report.oldest // per_second,
        newest_timestamp=None if report.newest is None else report.newest // per_second,
    )


def _unit_hint(report: LogReport) -> str | None:
    future = report.reading.bad[bad_rows.FUTURE_TIMESTAMP]
    for unit, name in (("ms", "milliseconds"), ("us", "microseconds")):
        if future and report.future_as[unit] * 2 > future:
            return f"timestamps look like {name}: set timestamp_unit: {unit}."
    return None
