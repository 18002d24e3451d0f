"""Folders of this machine that stand for Cloud Storage: `gs://BUCKET/…` is `<folder>/BUCKET/…`.

The job keeps its gs:// places; they become folders on the way into a task's process, and gs:// again on the way out.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from configs.errors import JobError

_GS = "gs://"
_PREFIX = re.compile(r"gs://[a-z0-9][a-z0-9._-]+(/[^*?\[\]\"'\\]*)?")


class Buckets:
    """The stand-in for Cloud Storage."""

    def __init__(self, folder: Path) -> None:
        """Uses a folder, which need not exist.

        Args:
            folder: Has one folder a bucket.
        """
        self._folder = folder

    def link(self, places: Mapping[str, Path]) -> None:
        """Lets folders of this machine stand for folders of buckets, such as the one of the data.

        Args:
            places: Folder of a bucket, `gs://…`, to folder here.

        Raises:
            JobError: A place is no folder of a bucket, or there is something else already.
        """
        for place, folder in places.items():
            if not _PREFIX.fullmatch(place):
                raise JobError(f"{place!r} is no folder of a bucket; give gs://BUCKET/FOLDER=FOLDER_HERE.")
            if not folder.is_dir():
                raise JobError(f"{folder}: no such folder, which is to stand for {place}.")
            link = Path(self.local(place.rstrip("/")))
            if link.is_symlink():
                link.unlink()
            elif link.exists():
                raise JobError(f"{place} cannot stand for {folder}: earlier rehearsals have written there, to {link}.")
            link.parent.mkdir(parents=True, exist_ok=True)
            os.symlink(folder.resolve(), link)

    def local(self, text: str) -> str:
        """A text in which each `gs://` has become this machine's folder."""
        return text.replace(_GS, f"{self._folder}/")

    def remote(self, text: str) -> str:
        """The reverse of `local`."""
        return text.replace(f"{self._folder}/", _GS)
