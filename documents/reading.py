"""What the reports on the log's and on the catalogue's input files have in common."""

from documents.document import Document


class ReadingCounts(Document):
    """How many rows the input files have, and how many of them are bad."""

    files: int
    """Input files."""

    files_without_rows: tuple[str, ...]
    """Files that are empty or hold a header only."""

    rows: int
    """Rows, good and bad: lines minus headers, blank lines and, in a catalogue, line breaks within quotes."""

    bad_rows: int
    """Rows that could not be used; `rows` includes them."""

    bad_rows_by_reason: dict[str, int]
    bad_rows_by_file: dict[str, dict[str, int]]
    """File to reason to number of rows, for the files that have bad rows."""


class LogReadingCounts(ReadingCounts):
    """How many rows the log's files have, and the time that the rows span."""

    oldest_timestamp: int | None
    """Unix seconds; None for a log without timestamps."""

    newest_timestamp: int | None
    """Unix seconds; None for a log without timestamps."""

    forgotten_rows: int = 0
    """Rows that were dropped because their user is forgotten; `rows` and all other counts are without them."""
