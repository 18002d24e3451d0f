"""Reads a serving folder, local or in a bucket, without TensorFlow: which versions it has, and their files.

`<folder>/<number>/` is a version if it holds `saved_model.pb`, which a push writes last. The highest number is the
newest, as in TensorFlow Serving.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import fs

from common.atomicity import is_local, new_folder
from common.errors import OutputError

SAVED_MODEL = "saved_model.pb"
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
                self._files, self._root = fs.FileSystem.from_uri(path)
            except (pa.ArrowInvalid, OSError) as e:
                raise OutputError(f"{path}: no such kind of folder can be read ({e}). Use a local one or gs://.") from e

    def versions(self) -> list[VersionFolder]:
        """Lists the versions, the newest first.

        Raises:
            OutputError: The folder cannot be read.
        """
        try:
            folders = self._files.get_file_info(fs.FileSelector(self._root, allow_not_found=True))
            numbers = [int(info.base_name) for info in folders if _NUMBER.fullmatch(info.base_name)]
            files = self._files.get_file_info([f"{self._root}/{number}/{SAVED_MODEL}" for number in numbers])
        except OSError as e:
            raise OutputError(
                f"{self.path} cannot be read ({e}). Check the spelling, and that this account may read it."
            ) from e
        found = [
            VersionFolder(number, (info.mtime_ns or 0) / 1e9)
            for number, info in zip(numbers, files, strict=True)
            if info.type == fs.FileType.File
        ]
        return sorted(found, key=lambda version: -version.number)

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
                    fs.copy_files(
                        f"{self._root}/{number}",
                        unfinished,
                        source_filesystem=self._files,
                        destination_filesystem=fs.LocalFileSystem(),
                    )
            except OSError as e:
                raise OutputError(f"{self.path}/{number}: cannot be copied to {copy} ({e}).") from e
        return copy
