"""Reports what was read from the log, and which of its timestamps are questionable."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from configs.log import LogSettings
from documents.reading import LogReadingCounts
from pipeline.reading import bad_rows, times
from pipeline.reading import report as tabular_report
from pipeline.reading.bad_rows import BadRow
from pipeline.reading.report import ReadingReport

GAP_DAYS = 20 * 365
"""Days without any event, after which the events on the other side are questioned: another unit, or a missing time that
is written as 0."""


@dataclass(frozen=True)
class TimeSpan:
    """Timestamps without a gap of `GAP_DAYS` between them."""

    oldest: int
    newest: int
    """In the log's unit."""

    rows: Counter[int]
    """Their number by the index of the file."""

    first: dict[int, BadRow]
    """The first row of each file."""


@dataclass
class LogReport:
    """What was read from the log."""

    reading: ReadingReport = field(default_factory=ReadingReport)
    spans: list[TimeSpan] = field(default_factory=list)
    """The timestamps of good rows, in order."""

    lowest: int | None = None
    highest: int | None = None
    """The timestamps of all rows that have one, future ones among them, in the log's unit."""

    forgotten: int = 0
    """Rows that were dropped because their user is forgotten."""

    kept: TimeSpan | None = None
    """The span that most rows belong to; the rows of others are bad. None before all blocks are merged, and for a log
    without timestamps."""

    @property
    def newest(self) -> int | None:
        """The newest timestamp; None if the log has none."""
        return None if self.kept is None else self.kept.newest

    def span(self) -> tuple[int, int]:
        """Returns the oldest and the newest timestamp of a log that has timestamps."""
        assert self.kept is not None
        return self.kept.oldest, self.kept.newest


def spans_of(
    found: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], per_second: int, described: Callable[[int], BadRow]
) -> list[TimeSpan]:
    """Finds the spans of a block.

    Args:
        found: [n] int64, timestamps of good rows, in the log's unit.
        rows: [n] int64, the numbers of these rows, increasing.
        per_second: The number of the log's time units in a second.
        described: Describes the row of a number.
    """
    if not len(found):
        return []
    gap = GAP_DAYS * 86_400 * per_second
    oldest, newest = int(found.min()), int(found.max())
    parts = [np.arange(len(found))]
    if newest - oldest >= gap:
        order = np.argsort(found, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(found[order]) >= gap) + 1)
    spans = []
    for part in parts:
        first = described(int(rows[part.min()]))
        in_file = first.file_index
        spans.append(
            TimeSpan(int(found[part].min()), int(found[part].max()), Counter({in_file: len(part)}), {in_file: first})
        )
    return spans


def merge(reports: Iterable[LogReport], max_quarantine_rows: int, per_second: int) -> LogReport:
    """Merges reports of different blocks, in any order; see `pipeline.reading.report.merge`."""
    parts = list(reports)
    return LogReport(
        tabular_report.merge([part.reading for part in parts], max_quarantine_rows),
        _joined([span for part in parts for span in part.spans], GAP_DAYS * 86_400 * per_second),
        min((part.lowest for part in parts if part.lowest is not None), default=None),
        max((part.highest for part in parts if part.highest is not None), default=None),
        sum(part.forgotten for part in parts),
    )


def concluded(report: LogReport, max_quarantine_rows: int) -> LogReport:
    """Decides, after all blocks are merged, which span of time is kept, and counts the rows of the others as bad.

    Args:
        report: The report on all blocks.
        max_quarantine_rows: The most bad rows that are kept.
    """
    if not report.spans:
        return report
    kept = max(report.spans, key=lambda span: (span.rows.total(), span.newest))
    files = dict(report.reading.files)
    others = []
    for span in report.spans:
        for file, rows in span.rows.items() if span is not kept else ():
            bad = files[file].bad + Counter({bad_rows.TIME_APART: rows})
            first = min(files[file].first_bad or span.first[file], span.first[file])
            files[file] = replace(files[file], bad=bad, first_bad=first)
            others.append(span.first[file])
    # Which rows are bad is known too late to list them all; the first of each file and span stands for them.
    quarantine = sorted([*report.reading.quarantine, *others])[:max_quarantine_rows]
    return replace(report, reading=replace(report.reading, files=files, quarantine=quarantine), kept=kept)


def fault(report: LogReport, log: LogSettings, now_seconds: float) -> str | None:
    """Explains why the log cannot be used as it was read; None if it can.

    Args:
        report: The report after `concluded`.
        log: The log's config.
        now_seconds: The time of the run.
    """
    unit = _likely_unit(report, log, now_seconds)
    if unit is not None and report.kept is not None and report.kept.newest < times.EARLIEST * _scale(log):
        first = min(report.kept.first.values())
        file = report.reading.files[first.file_index]
        return (
            f"all timestamps are before 1990, as in {file.path}, row {file.number(first)}: "
            f"{bad_rows.cell(first.excerpt)}. {_advice(unit)}"
        )
    return tabular_report.fault(
        report.reading,
        log.cleaning.max_bad_fraction,
        "cleaning.max_bad_fraction",
        _hint(report, log, unit),
    )


def counts(report: LogReport, log: LogSettings) -> LogReadingCounts:
    """Returns the counts, without the rows themselves; timestamps in Unix seconds."""
    kept, scale = report.kept, _scale(log)
    return LogReadingCounts(
        **dict(tabular_report.counts(report.reading)),
        oldest_timestamp=None if kept is None else kept.oldest // scale,
        newest_timestamp=None if kept is None else kept.newest // scale,
        forgotten_rows=report.forgotten,
    )


def _joined(spans: list[TimeSpan], gap: int) -> list[TimeSpan]:
    joined: list[TimeSpan] = []
    for span in sorted(spans, key=lambda span: (span.oldest, span.newest)):
        if joined and span.oldest - joined[-1].newest < gap:
            last = joined[-1]
            first = {file: min(row, last.first.get(file, row)) for file, row in span.first.items()}
            joined[-1] = TimeSpan(
                last.oldest, max(last.newest, span.newest), last.rows + span.rows, {**last.first, **first}
            )
        else:
            joined.append(span)
    return joined


def _scale(log: LogSettings) -> int:
    return times.per_second(log.timestamp_unit)


def _likely_unit(report: LogReport, log: LogSettings, now_seconds: float) -> str | None:
    """Finds the unit in which all timestamps would be between 1990 and now, if they are not so already."""
    if report.lowest is None or report.highest is None or log.timestamp_unit == times.COMPACT:
        return None
    both = np.array([report.lowest, report.highest], np.int64)
    latest = now_seconds + log.cleaning.max_future_seconds
    others = [unit for unit in (*times.UNITS, times.COMPACT) if unit != log.timestamp_unit]
    return next((unit for unit in others if times.plausible(both, unit, latest).all()), None)


def _advice(unit: str) -> str:
    looks = times.NAMES.get(unit, "the digits of a date, as 20231115003612")
    return f"The timestamps look like {looks}: set timestamp_unit: {unit}."


def _hint(report: LogReport, log: LogSettings, unit: str | None) -> str | None:
    bad = report.reading.bad
    if bad[bad_rows.FUTURE_TIMESTAMP] and unit is not None:
        return _advice(unit)
    if bad[bad_rows.TIME_APART] * 2 > bad.total():
        scale = _scale(log)
        spans = [f"{_date(span.oldest // scale)} to {_date(span.newest // scale)}" for span in report.spans]
        return (
            f"The timestamps have decades between them ({', '.join(spans)}). Are some in another unit than "
            f"timestamp_unit {log.timestamp_unit!r}, or is a missing time written as a number? Correct the files, or "
            "leave such rows out by raising cleaning.max_bad_fraction."
        )
    return None


def _date(seconds: int) -> str:
    try:
        return datetime.datetime.fromtimestamp(seconds, tz=datetime.timezone.utc).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s"
