"""Replaces Cloud Storage by folders of this machine: `gs://BUCKET/…` is `<folder>/BUCKET/…`.

The job keeps its gs:// paths. They are replaced by folders when they are passed to a task's process, and turned back
into gs:// when its output is read.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.atomicity import write_json
from common.errors import JobError, OutputError

_GS = "gs://"
_PLACE = re.compile(r"gs://[a-z0-9][a-z0-9._-]+(/[^*?\[\]\"'\\/]+)*/?")
_LINKED_FILE = ".places.json"
"""The file that lists the linked folders; no bucket can have this name."""


class Buckets:
    """Folders that replace Cloud Storage."""

    def __init__(self, folder: Path) -> None:
        """Uses a folder, which need not exist.

        Args:
            folder: The folder with one folder for each bucket.
        """
        self._folder = folder.resolve()

    def link(self, places: Mapping[str, Path]) -> None:
        """Links folders of this machine to folders of buckets, such as the data's folder.

        A linked folder holds links to the files: a task that deletes there only deletes a link. Links of earlier
        rehearsals are removed.

        Args:
            places: Folder of a bucket, `gs://…`, to folder of this machine; see `check_places`.

        Raises:
            JobError: Something else already exists at a linked folder.
            OutputError: The links cannot be made.
        """
        goals = {self.local(place.rstrip("/")): folder for place, folder in places.items()}
        linked = self._folder / _LINKED_FILE
        try:
            for earlier in json.loads(linked.read_text()) if linked.exists() else []:
                shutil.rmtree(earlier, ignore_errors=True)
            for goal, folder in goals.items():
                if os.path.lexists(goal):
                    raise JobError(f"{goal} cannot stand for {folder}: earlier rehearsals have written there.")
            write_json(linked, list(goals))
            for goal, folder in goals.items():
                _mirror(folder.resolve(), Path(goal))
        except (OSError, ValueError) as e:
            raise OutputError(
                f"{self._folder}: the folders that stand for buckets could not be created there ({e}). Free disk "
                "space, make the folder writable, or start again with --fresh."
            ) from e

    def local(self, text: str) -> str:
        """Replaces each `gs://` in a text by this machine's folder."""
        return text.replace(_GS, f"{self._folder}/")

    def locally(self, value: Any) -> Any:
        """Applies `local` to each text in JSON values."""
        return _each_text(value, self.local)

    def remotely(self, value: Any) -> Any:
        """The reverse of `locally`."""
        return _each_text(value, lambda text: text.replace(f"{self._folder}/", _GS))


def check_places(places: Mapping[str, Path], pipeline_root: str) -> None:
    """Checks the linked folders before anything is changed.

    Args:
        places: Folder of a bucket to folder of this machine.
        pipeline_root: Where the job writes.

    Raises:
        JobError: A place is not a folder of a bucket, it is inside another place, the job would write into it, or its
            folder on this machine does not exist.
    """
    for place, folder in places.items():
        require_place(place, "--place must be gs://BUCKET/FOLDER=FOLDER_HERE")
        if not folder.is_dir():
            raise JobError(f"{folder}: there is no such folder to stand for {place}.")
        for inner in (*places, pipeline_root):
            if inner is not place and f"{inner.rstrip('/')}/".startswith(f"{place.rstrip('/')}/"):
                raise JobError(
                    f"{inner} is inside {place}, for which {folder} stands. Choose places that do not contain each "
                    "other."
                )


def require_place(place: str, what_to_do: str) -> None:
    """Checks that a place is a folder of a bucket.

    Raises:
        JobError: It is not.
    """
    if not _PLACE.fullmatch(place) or {".", ".."} & set(place.split("/")):
        raise JobError(f"{place!r} is not a folder of a bucket; {what_to_do}.")


def _mirror(folder: Path, goal: Path) -> None:
    for at, folders, files in os.walk(folder):
        here = goal / os.path.relpath(at, folder)
        here.mkdir(parents=True, exist_ok=True)
        for name in (*files, *(name for name in folders if os.path.islink(os.path.join(at, name)))):
            os.symlink(os.path.join(at, name), here / name)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_each_text(inner, change) for inner in value]
    return value
