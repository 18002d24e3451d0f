"""Removing artifacts, so that a kill in the middle leaves either the whole folder under its name or none."""

import shutil
import uuid
from pathlib import Path

TRASH = ".deleted"
"""Folder in the artifacts' root of what is on its way out."""

_OUTPUT_DEPTH = 3
"""Node, output, execution id: TFX's folders under the root."""


def discard_outputs(root: Path, uri: str) -> bool:
    """Removes an artifact with its output folder, `<root>/<node>/<output>/<execution id>`.

    Args:
        root: The pipeline's artifacts.
        uri: The artifact's: that folder, or a file in it.

    Returns:
        Whether it was there, and the pipeline's own.
    """
    path = Path(uri)
    folders = path.relative_to(root).parts if path.is_relative_to(root) else ()
    return len(folders) >= _OUTPUT_DEPTH and discard(root, root.joinpath(*folders[:_OUTPUT_DEPTH]))


def discard(root: Path, path: Path) -> bool:
    """Removes a file or folder below the artifacts' root: moved out of the way first, then deleted.

    Args:
        root: The pipeline's artifacts; nothing elsewhere is ever removed.
        path: What to remove. A symbolic link goes by itself, not what it points to.

    Returns:
        Whether there was anything of ours to remove.
    """
    inside = path.parent.resolve()  # the parent's: a link at `path` itself is not followed
    below = (inside / path.name).relative_to(root.resolve()) if inside.is_relative_to(root.resolve()) else None
    if below is None or not below.parts or ".." in below.parts or not (path.exists() or path.is_symlink()):
        return False
    trash = root / TRASH
    trash.mkdir(exist_ok=True)
    path.rename(trash / uuid.uuid4().hex)
    empty_trash(root)
    return True


def empty_trash(root: Path) -> None:
    """Deletes what was moved out of the way, also by a process that was killed before it could.

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
