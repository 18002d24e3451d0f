"""Reads a serving folder, local or in a bucket, without TensorFlow: which versions it has, and their files.

`<folder>/<number>/` is a version if it holds `saved_model.pb`, which a push writes last. The highest number is the
newest, as in TensorFlow Serving.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa
from pyarrow import fs

from common.atomicity import is_local, new_folder
from common.errors import OutputError

SAVED_MODEL = "saved_model.pb"

_RETRY = "retry_limit_seconds"
_RETRY_SECONDS = 10
"""The folder is looked at again and again, so a long wait wins nothing; and an end of the service waits for it."""

_CHUNK_BYTES = 4 << 20
"""A file of a model may be gigabytes; as much of it is in memory."""

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


def copies_of(cache_dir: Path) -> Path:
    """Where copies of remote versions are kept."""
    return cache_dir / "versions"


def snapshots_of(cache_dir: Path) -> Path:
    """Where snapshots are kept, one folder for each version."""
    return cache_dir / "snapshots"


@dataclass(frozen=True)
class VersionFolder:
    """A version in the serving folder."""

    number: int
    modified: float
    """When its `saved_model.pb` was written, Unix seconds."""


class ServingFolder:
    """A serving folder. Its methods block: call them in a thread."""

    def __init__(self, path: str, cache_dir: Path) -> None:
        """Names a folder.

        Args:
            path: The folder, local or with a scheme that Arrow knows, such as `gs://`. It may be missing yet.
            cache_dir: Local folder for copies of remote versions.
        """
        self.path = path
        self.copies = copies_of(cache_dir)
        """Where copies of remote versions are kept."""
        if is_local(path):
            self._files, self._root = fs.LocalFileSystem(), path
        else:
            try:
                self._files, self._root = fs.FileSystem.from_uri(_patient(path))
            except (pa.ArrowInvalid, OSError) as e:
                raise OutputError(f"{path}: no such kind of folder can be read ({e}). Use a local one or gs://.") from e

    def versions(self) -> list[VersionFolder]:
        """Lists the versions, the newest first.

        Raises:
            OutputError: The folder cannot be read.
        """
        # A bucket has no folders, so Arrow finds only files below. All of them cost a request for each thousand; a look
        # for the file of each version would cost one for each version.
        selector = fs.FileSelector(self._root, allow_not_found=True, recursive=not is_local(self.path))
        try:
            found = self._files.get_file_info(selector)
            if is_local(self.path):
                numbers = [info.base_name for info in found if _NUMBER.fullmatch(info.base_name)]
                found = self._files.get_file_info([f"{self._root}/{number}/{SAVED_MODEL}" for number in numbers])
        except OSError as e:
            raise OutputError(
                f"{self.path} cannot be read ({e}). Check the spelling, and that this account may read it."
            ) from e
        versions = []
        for info in found:
            number, _, file = info.path.removeprefix(f"{self._root}/").partition("/")
            if file == SAVED_MODEL and info.type == fs.FileType.File and _NUMBER.fullmatch(number):
                versions.append(VersionFolder(int(number), (info.mtime_ns or 0) / 1e9))
        return sorted(versions, key=lambda version: -version.number)

    def fetch(self, number: int) -> Path:
        """Returns a local folder that holds a version; a remote one is copied.

        Raises:
            OutputError: The version cannot be read, or not be written here.
        """
        if is_local(self.path):
            return Path(self.path) / str(number)
        copy = self.copies / str(number)
        if not (copy / SAVED_MODEL).exists():
            self.copies.mkdir(parents=True, exist_ok=True)
            try:
                with new_folder(str(copy), commit_file=None) as unfinished:
                    self._copy(f"{self._root}/{number}", Path(unfinished))
            except OSError as e:
                raise OutputError(f"{self.path}/{number}: cannot be copied to {copy} ({e}).") from e
        return copy

    def _copy(self, source: str, goal: Path) -> None:
        """Copies all files below a remote folder. Arrow's own `copy_files` makes no folders for files of a bucket."""
        for info in self._files.get_file_info(fs.FileSelector(source, recursive=True)):
            if info.type != fs.FileType.File:
                continue
            file = goal / info.path.removeprefix(f"{source}/")
            file.parent.mkdir(parents=True, exist_ok=True)
            with self._files.open_input_stream(info.path) as stream, file.open("wb") as copy:
                shutil.copyfileobj(stream, copy, _CHUNK_BYTES)
            if file.stat().st_size != info.size:
                raise OSError(f"{info.path} has {info.size} bytes, and {file.stat().st_size} came")


def _patient(uri: str) -> str:
    """Bounds how long a request to Cloud Storage is repeated: 15 minutes by default, while a thread waits."""
    parts = urlsplit(uri)
    if parts.scheme not in ("gs", "gcs") or _RETRY in parts.query:
        return uri
    query = "&".join(part for part in (parts.query, f"{_RETRY}={_RETRY_SECONDS}") if part)
    return urlunsplit(parts._replace(query=query))
