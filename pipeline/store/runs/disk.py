"""Removes artifacts so that a kill in the middle leaves either the whole folder under its name or none of it."""

import shutil
import uuid
from pathlib import Path

TRASH = ".deleted"
"""Folder in the artifacts' root for what is about to be deleted."""

_OUTPUT_DEPTH = 3
"""Node, output, execution id: TFX's folders under the root."""


def discard_outputs(root: Path, uri: str) -> bool:
    """Removes an artifact with its output folder, `<root>/<node>/<output>/<execution id>`.

    Args:
        root: The pipeline's artifacts.
        uri: The artifact's URI: that folder, or a file in it.

    Returns:
        Whether the folder existed and belonged to the pipeline.
    """
    path = Path(uri)
    folders = path.relative_to(root).parts if path.is_relative_to(root) else ()
    return len(folders) >= _OUTPUT_DEPTH and discard(root, root.joinpath(*folders[:_OUTPUT_DEPTH]))


def discard(root: Path, path: Path) -> bool:
    """Removes a file or folder below the artifacts' root: moves it into the trash folder first, then deletes it.

    Args:
        root: The pipeline's artifacts; nothing outside is ever removed.
        path: What to remove. Of a symbolic link, only the link is removed, not its target.

    Returns:
        Whether something below the root was removed.
    """
    inside = path.parent.resolve()  # only the parent is resolved: a link at `path` itself is not followed
    below = (inside / path.name).relative_to(root.resolve()) if inside.is_relative_to(root.resolve()) else None
    if below is None or not below.parts or ".." in below.parts or not (path.exists() or path.is_symlink()):
        return False
    trash = root / TRASH
    trash.mkdir(exist_ok=True)
    path.rename(trash / uuid.uuid4().hex)
    empty_trash(root)
    return True


def empty_trash(root: Path) -> None:
    """Deletes what was moved into the trash folder, also by a process that was killed before it deleted it.

    Args:
        root: The pipeline's artifacts.
    """
    trash = root / TRASH
    for entry in trash.iterdir() if trash.is_dir() else ():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    if trash.is_dir():
        trash.rmdir()
