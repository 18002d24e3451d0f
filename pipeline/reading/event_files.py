"""Where the service's exported events are among the input files of a log, and what belongs to them.

They are input splits of their own of the log's ExampleGen, so that its driver fingerprints them with the log's files.
A pattern of theirs may match nothing: a service that has just been set up has no events.
"""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from documents.event_statistics import EventStatistics
from pipeline.ground import input_files
from pipeline.reading.files import InputFile
from service.events.files import number_of
from service.events.forgotten import KEY_FILE, LIST_FILE, Forgotten

LOG, EVENTS, FORGOTTEN, STATISTICS = "log", "events", "forgotten", "statistics"
"""Input splits: a log that has one split, and what an export writes."""

OPTIONAL = frozenset({EVENTS, FORGOTTEN, STATISTICS})
"""Input splits that may have no file."""


def with_events(log: str | dict[str, str], folder: str) -> dict[str, str]:
    """Adds the patterns of an export's files to those of a log.

    Args:
        log: Glob of the log's files, or one for each split.
        folder: The export's folder, local or `gs://`.

    Returns:
        Input split to glob.
    """
    return {
        **({LOG: log} if isinstance(log, str) else log),
        EVENTS: posixpath.join(folder, "events-*.parquet"),
        FORGOTTEN: posixpath.join(folder, "forgotten.*"),
        STATISTICS: posixpath.join(folder, EventStatistics.FILE),
    }


@dataclass(frozen=True)
class LogInputs:
    """The input files of a log, by what they are."""

    rows: list[InputFile]
    """The files that hold interactions: the log's own, then the exported events, the oldest export first."""

    events_export: int | None = None
    """The number up to which every export is among them; None without the first one. After a file that is missing, the
    service counts its events and those of later files as new: what a model has learned then counts once more, which
    changes nothing, and what it has not learned is not lost."""

    forgotten: tuple[str, ...] = field(default=(), repr=False)
    """Paths of the files that tell who is forgotten."""

    statistics: str | None = None
    """Folder of `documents.event_statistics.EventStatistics`; None without it."""


def sort_inputs(files: Sequence[InputFile]) -> LogInputs:
    """Sorts the input files of a log.

    Args:
        files: All of them, as `files.list_files` lists them.
    """
    own = [file for file in files if file.split not in OPTIONAL]
    # By number, not by name: where a log has no times, the order of the files is the order in time.
    numbered = sorted(
        (number, file)
        for file in files
        if file.split == EVENTS and (number := number_of(posixpath.basename(file.path))) is not None
    )
    rows = [replace(file, index=index) for index, file in enumerate([*own, *(file for _, file in numbered)])]
    statistics = [posixpath.dirname(file.path) for file in files if file.split == STATISTICS]
    return LogInputs(
        rows=rows,
        events_export=_unbroken([number for number, _ in numbered]),
        forgotten=tuple(file.path for file in files if file.split == FORGOTTEN),
        statistics=statistics[0] if statistics else None,
    )


def _unbroken(numbers: Sequence[int]) -> int | None:
    """The number of the last export before the first gap; exports are numbered from 1."""
    last = 0
    for number in numbers:
        if number == last + 1:
            last = number
    return last or None


def read_forgotten(paths: Sequence[str]) -> Forgotten:
    """Reads who is forgotten.

    Args:
        paths: `LogInputs.forgotten`; without any, nobody is forgotten.

    Raises:
        DataError: The files do not fit together.
        Those of `input_files.read_errors`: a file cannot be read.
    """
    found: dict[str, bytes] = {}
    for path in paths:
        with input_files.open_binary(path) as stream:
            found[posixpath.basename(path)] = stream.read()
    folder = posixpath.dirname(paths[0]) if paths else ""
    return Forgotten.parse(found.get(KEY_FILE), found.get(LIST_FILE), folder)
