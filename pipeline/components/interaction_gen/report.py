"""What was read and what was taken out, and whether that is good enough to go on. Reports of parts merge into one."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from configs.data import Log
from pipeline.components.tabular import bad_rows
from pipeline.components.tabular.bad_rows import BadRow

UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000}
"""Timestamp unit to its number in a second."""

_WORST_FILES = 5
"""Files that an error names; more hide the worst."""


@dataclass
class FileReport:
    """What was read of one file."""

    path: str
    rows: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    """Bad rows by reason; they are among `rows`."""

    first_row: int = 1
    """The number, from 1, of the file's first row: in text, of its line."""

    lines: dict[int, int] = field(default_factory=dict)
    """Lines (text) or rows (Parquet) by block; they turn a row of a block into a row of the file."""

    error: str | None = None
    """Why the file could not be read."""

    def number(self, row: BadRow) -> int:
        """The row's number in the file, from 1."""
        return self.first_row + sum(lines for block, lines in self.lines.items() if block < row.block) + row.row


@dataclass
class ReadingReport:
    """What was read of the log."""

    files: dict[int, FileReport] = field(default_factory=dict)
    quarantine: list[BadRow] = field(default_factory=list)
    """The first bad rows, in the order of the input."""

    oldest: int | None = None
    newest: int | None = None
    """Timestamps of good rows, in the log's unit."""

    future_as: Counter[str] = field(default_factory=Counter)
    """Future timestamps that were not if read in another unit, by that unit."""

    @property
    def rows(self) -> int:
        """All rows of all files."""
        return sum(f.rows for f in self.files.values())

    @property
    def bad(self) -> Counter[str]:
        """Bad rows by reason."""
        return sum((f.bad for f in self.files.values()), Counter())


def merge_reading(reports: Iterable[ReadingReport], max_quarantine_rows: int) -> ReadingReport:
    """Merges reports of parts; the order does not matter.

    Args:
        reports: Reports of different blocks.
        max_quarantine_rows: Bad rows that are kept; the others stay counted.

    Returns:
        One report.
    """
    merged = ReadingReport()
    for part in reports:
        for index, theirs in part.files.items():
            ours = merged.files.setdefault(index, FileReport(theirs.path))
            ours.rows += theirs.rows
            ours.bad += theirs.bad
            ours.first_row = max(ours.first_row, theirs.first_row)
            ours.lines |= theirs.lines
            ours.error = min(filter(None, (ours.error, theirs.error)), default=None)
        merged.quarantine = sorted(merged.quarantine + part.quarantine)[:max_quarantine_rows]
        merged.future_as += part.future_as
        merged.oldest = min((t for t in (merged.oldest, part.oldest) if t is not None), default=None)
        merged.newest = max((t for t in (merged.newest, part.newest) if t is not None), default=None)
    return merged


def reading_fault(report: ReadingReport, log: Log) -> str | None:
    """Why what was read cannot be used; None if it can."""
    broken = [f.error for _, f in sorted(report.files.items()) if f.error]
    if broken:
        more = f"\n… and {len(broken) - _WORST_FILES} more files." if len(broken) > _WORST_FILES else ""
        return "\n".join(broken[:_WORST_FILES]) + more
    if report.rows == 0:
        paths = [f.path for _, f in sorted(report.files.items())]
        return (
            f"the log has no rows: {len(paths)} file(s) are empty or hold a header only, such as "
            f"{', '.join(paths[:_WORST_FILES])}. Check what writes them."
        )
    bad = report.bad.total()
    if bad > log.cleaning.max_bad_fraction * report.rows:
        worst = sorted(report.files.values(), key=lambda f: (-f.bad.total(), f.path))[:_WORST_FILES]
        lines = [
            f"  {f.path}: {f.bad.total()} of {f.rows} ({_reasons(f.bad)}); first at row {_first_bad(report, f)}"
            for f in worst
            if f.bad
        ]
        return "\n".join(
            [
                f"{bad} of {report.rows} rows of the log are bad ({bad / report.rows:.2%}), more than "
                f"cleaning.max_bad_fraction {log.cleaning.max_bad_fraction:.2%} allows. Worst files:",
                *lines,
                _unit_hint(report) or "Correct the files or the config's format and columns, or raise max_bad_fraction.",
            ]
        )
    if bad == report.rows:
        return f"all {bad} rows of the log are bad: {_reasons(report.bad)}. Correct the config's format and columns."
    return None


def reading_json(report: ReadingReport, log: Log) -> dict[str, Any]:
    """The report as JSON values, timestamps in Unix seconds."""
    per_second = UNITS[log.timestamp_unit]
    return {
        "files": len(report.files),
        "files_without_rows": [f.path for _, f in sorted(report.files.items()) if not f.rows],
        "rows": report.rows,
        "bad_rows": report.bad.total(),
        "bad_rows_by_reason": dict(sorted(report.bad.items())),
        "bad_rows_by_file": {
            f.path: dict(sorted(f.bad.items())) for _, f in sorted(report.files.items()) if f.bad.total()
        },
        "oldest_timestamp": None if report.oldest is None else report.oldest // per_second,
        "newest_timestamp": None if report.newest is None else report.newest // per_second,
    }


def quarantine_json(report: ReadingReport) -> list[dict[str, Any]]:
    """The quarantined rows as JSON values, in the order of the input."""
    return [
        {
            "file": report.files[row.file_index].path,
            "row": report.files[row.file_index].number(row),
            "reason": row.reason,
            "excerpt": row.excerpt,
        }
        for row in report.quarantine
    ]


def _reasons(bad: Counter[str]) -> str:
    return ", ".join(f"{reason}: {count}" for reason, count in sorted(bad.items(), key=lambda b: (-b[1], b[0])))


def _first_bad(report: ReadingReport, file: FileReport) -> str:
    rows = [file.number(row) for row in report.quarantine if report.files[row.file_index] is file]
    return str(min(rows)) if rows else "unknown (beyond cleaning.max_quarantine_rows)"


def _unit_hint(report: ReadingReport) -> str | None:
    future = report.bad[bad_rows.FUTURE_TIMESTAMP]
    for unit, name in (("ms", "milliseconds"), ("us", "microseconds")):
        if future and report.future_as[unit] * 2 > future:
            return f"timestamps look like {name}: set timestamp_unit: {unit}."
    return None
