"""Reports what was read from the input files, and whether it is good enough. Reports of parts can be merged."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from documents.reading import ReadingCounts
from pipeline.reading import bad_rows
from pipeline.reading.bad_rows import BadRow

WORST_FILES = 5
"""The most files that an error names; a longer list would hide the worst ones."""


@dataclass
class FileReport:
    """What was read from one file."""

    path: str
    rows: int = 0
    """Rows, good and bad. This is not the number of lines: header and blank lines are no rows, and a row with a quoted
    text may have several lines."""

    bad: Counter[str] = field(default_factory=Counter)
    """Bad rows by reason; `rows` includes them."""

    first_bad: BadRow | None = None
    """The first bad row."""

    first_row: int = 1
    """The number of the file's first row, from 1; for text, the number of its line."""

    lines: dict[int, int] = field(default_factory=dict)
    """Lines (text) or rows (Parquet) by block. They turn a row's number in its block into its number in the file."""

    error: str | None = None
    """Why the file could not be read."""

    def number(self, row: BadRow) -> int:
        """Returns the row's number in the file, from 1."""
        return self.first_row + sum(lines for block, lines in self.lines.items() if block < row.block) + row.row


@dataclass
class ReadingReport:
    """What was read from all files."""

    files: dict[int, FileReport] = field(default_factory=dict)
    """By the file's index."""

    quarantine: list[BadRow] = field(default_factory=list)
    """The first bad rows, in the order of the input."""

    @property
    def rows(self) -> int:
        """The number of rows of all files, good and bad."""
        return sum(f.rows for f in self.files.values())

    @property
    def bad(self) -> Counter[str]:
        """Bad rows by reason."""
        return sum((f.bad for f in self.files.values()), Counter())


def merge(reports: Iterable[ReadingReport], max_quarantine_rows: int) -> ReadingReport:
    """Merges reports of parts; their order does not matter.

    Args:
        reports: Reports of different blocks.
        max_quarantine_rows: The most bad rows that are kept; the others are still counted.

    Returns:
        One report.
    """
    merged = ReadingReport()
    for part in reports:
        for index, theirs in part.files.items():
            ours = merged.files.setdefault(index, FileReport(theirs.path))
            ours.rows += theirs.rows
            ours.bad += theirs.bad
            ours.first_bad = min(filter(None, (ours.first_bad, theirs.first_bad)), default=None)
            ours.first_row = max(ours.first_row, theirs.first_row)
            ours.lines |= theirs.lines
            ours.error = min(filter(None, (ours.error, theirs.error)), default=None)
        merged.quarantine += part.quarantine
        if len(merged.quarantine) > max_quarantine_rows:
            merged.quarantine = sorted(merged.quarantine)[:max_quarantine_rows]
    merged.quarantine.sort()
    return merged


def fault(report: ReadingReport, max_bad_fraction: float, limit: str, hint: str | None = None) -> str | None:
    """Explains why the files cannot be used: one cannot be read, there are no rows, or there are too many bad ones.

    Args:
        report: What was read from all files.
        max_bad_fraction: The allowed number of bad rows, divided by the number of all rows.
        limit: The config's field of that fraction.
        hint: What to do about the bad rows, if it is known.

    Returns:
        The error message; None if the files can be used.
    """
    broken = [f.error for _, f in sorted(report.files.items()) if f.error]
    if broken:
        more = f"\n… and {len(broken) - WORST_FILES} more files." if len(broken) > WORST_FILES else ""
        return "\n".join(broken[:WORST_FILES]) + more
    if report.rows == 0:
        paths = [f.path for _, f in sorted(report.files.items())]
        return (
            f"no rows: {len(paths)} file(s) are empty or hold a header only, such as "
            f"{', '.join(paths[:WORST_FILES])}. Check what writes them."
        )
    bad = report.bad.total()
    if bad and report.bad[bad_rows.UNBALANCED_QUOTE] * 2 > bad:
        hint = (
            "A quote is opened and not closed, or not where its column ends. If the texts hold many line ends, set "
            "format.quoted_line_ends: true; if a backslash stands before quotes inside them, set format.escape; if "
            "quotes are plain characters, set format.quote: ''."
        )
    if bad <= max_bad_fraction * report.rows and bad < report.rows:
        return None
    worst = sorted(report.files.values(), key=lambda f: (-f.bad.total(), f.path))[:WORST_FILES]
    lines = [
        f"  {f.path}: {f.bad.total()} of {f.rows} ({_reasons(f.bad)}){_first_bad(f)}" for f in worst if f.bad.total()
    ]
    return "\n".join(
        [
            f"{bad} of {report.rows} rows are bad ({bad / report.rows:.2%}); {limit} allows {max_bad_fraction:.2%}. "
            "Worst files:",
            *lines,
            hint or f"Correct the files, or the config's format and columns, or raise {limit}.",
        ]
    )


def counts(report: ReadingReport) -> ReadingCounts:
    """Returns the counts, without the rows themselves.

    Args:
        report: What was read from all files.
    """
    files = [f for _, f in sorted(report.files.items())]
    return ReadingCounts(
        files=len(files),
        files_without_rows=tuple(f.path for f in files if not f.rows),
        rows=report.rows,
        bad_rows=report.bad.total(),
        bad_rows_by_reason=dict(sorted(report.bad.items())),
        bad_rows_by_file={f.path: dict(sorted(f.bad.items())) for f in files if f.bad.total()},
    )


def quarantine_json(report: ReadingReport) -> list[dict[str, Any]]:
    """Returns the quarantined rows as JSON values, in the order of the input.

    Args:
        report: What was read from all files.

    Returns:
        For each row its file, the reason, an excerpt, and as `row` its number from 1. In text this is the number of its
        (first) line as an editor shows it: header and blank lines count.
    """
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


def _first_bad(file: FileReport) -> str:
    row = file.first_bad
    return "" if row is None else f"; first at row {file.number(row)}: {bad_rows.cell(row.excerpt)}"
