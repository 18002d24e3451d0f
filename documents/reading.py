"""What both reports of read input files have in common."""

from documents.document import Document


class ReadingCounts(Document):
    """What became of the rows of some input files."""

    files: int
    """Input files."""

    files_without_rows: tuple[str, ...]
    """Those that are empty or hold a header only."""

    rows: int
    """Rows, good and bad: lines less headers, blank lines and, in a catalogue, line breaks within quotes."""

    bad_rows: int
    """Rows that could not be used; they are among `rows`."""

    bad_rows_by_reason: dict[str, int]
    bad_rows_by_file: dict[str, dict[str, int]]
    """File to reason to rows, of the files that have bad rows."""


class LogReadingCounts(ReadingCounts):
    """What became of the rows of the log's files."""

    oldest_timestamp: int | None
    """Unix seconds; None for a log without timestamps."""

    newest_timestamp: int | None
    """Unix seconds; None for a log without timestamps."""
