"""Checks whether the configured data is on this machine, and estimates its rows."""

import glob
import io
import os
import zlib
from collections.abc import Iterable
from pathlib import Path

from common.errors import DataSetError
from configs.log import Log
from configs.pipeline import PipelineConfig
from pipeline import datasets
from pipeline.commands.doctor.check import Check
from pipeline.datasets.registry import DATA_SETS
from pipeline.reading import compression, spans

_SAMPLE_BYTES = 1 << 20
"""Size of the sample of each text file from which its rows are estimated."""

_UNPACKED_BYTES = 64 << 20
"""Most bytes to unpack of a packed file: a packed megabyte may contain a thousand."""

_PART_BYTES = 4096

_ELSEWHERE = "://"


def paths_of(config: PipelineConfig) -> list[str]:
    """Lists the globs of the log, and of the catalogue if there is one.

    Args:
        config: The pipeline.
    """
    return [*_log_paths(config.log), *([config.catalogue.path] if config.catalogue else [])]


def data(paths: Iterable[str]) -> Check:
    """Checks that the files are on this machine.

    Args:
        paths: Globs: local, `dataset://…` or in a bucket.
    """
    elsewhere, here, missing = [], 0, []
    for path in paths:
        if not path.startswith(datasets.SCHEME) and _ELSEWHERE in path:
            elsewhere.append(path)
            continue
        try:
            files = _files(path)
        except DataSetError as e:
            return Check("data", "error", "a data set is not on this machine", str(e))
        here += len(files)
        missing += [] if files else [path]
        if damaged := _damaged(path):
            return Check("data", "error", f"{damaged} is not the published edition", _fetch(damaged))
    if missing:
        return Check(
            "data",
            "error",
            f"no file at {', '.join(missing)}",
            "Put the files there, or correct the path in the config.",
        )
    found = [f"{here} file(s)"] if here else []
    found += [f"{', '.join(elsewhere)} is in a bucket and was not checked"] if elsewhere else []
    return Check("data", "ok", "; ".join(found))


def log_rows(log: Log) -> int | None:
    """Estimates the rows of the log from the beginning of each text file.

    Args:
        log: The log.

    Returns:
        The rows. None: the log is in a bucket, or not on this machine.
    """
    paths = _log_paths(log)
    if any(_ELSEWHERE in path and not path.startswith(datasets.SCHEME) for path in paths):
        return None
    try:
        rows = [_rows(file, log.format.kind) for path in paths for file in _files(path)]
    except (DataSetError, OSError, EOFError, ValueError, zlib.error):
        return None  # `data` reports it, or the run itself does
    return sum(rows) if rows else None


def _log_paths(log: Log) -> list[str]:
    return [log.path] if isinstance(log.path, str) else list(log.path.values())


def _files(path: str) -> list[Path]:
    found = glob.glob(spans.as_glob(datasets.resolve(path)), recursive=True)
    return [Path(file) for file in sorted(found) if os.path.isfile(file)]


def _damaged(path: str) -> str | None:
    """Returns the name of a path's data set if its files are not the published ones; else None."""
    name = path.removeprefix(datasets.SCHEME).split("/", 1)[0] if path.startswith(datasets.SCHEME) else ""
    return name if name in DATA_SETS and not datasets.is_cached(DATA_SETS[name]) else None


def _fetch(name: str) -> str:
    return f"Run: perennial datasets fetch {name}"


class _InSmallParts(io.FileIO):
    """A file of which no reader reads far ahead, so that its position says what the decompressed bytes came from."""

    def read(self, size: int | None = -1, /) -> bytes:
        few = _PART_BYTES if size is None or size < 0 else min(size, _PART_BYTES)
        return super().read(few) or b""


def _rows(file: Path, kind: str) -> int:
    if kind == "parquet":
        from pyarrow import parquet

        return int(parquet.read_metadata(file).num_rows)
    lines = unpacked = 0
    with _InSmallParts(file) as raw:
        ending = compression.ending(file.name)
        stream = raw if ending is None else compression.OPENERS[ending](raw)
        while raw.tell() < _SAMPLE_BYTES and unpacked < _UNPACKED_BYTES and (text := stream.read(_SAMPLE_BYTES)):
            unpacked += len(text)
            lines += text.count(b"\n")
        read = raw.tell()
    return round(max(lines, 1) * file.stat().st_size / read) if unpacked else 0
