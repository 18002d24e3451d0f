"""Names the folders of a local pipeline, which are all under `<output_dir>/<name>/`."""

import contextlib
import glob
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # commands that need no config start sooner without pydantic
    from configs.pipeline import PipelineConfig


def cache_dir() -> Path:
    """The folder of what can be fetched or made again: `perennial` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().resolve() / "perennial"


def local_home(config: "PipelineConfig") -> Path:
    """The folder that holds everything a local pipeline writes."""
    return _no_pattern(Path(config.output_dir)) / config.name


def local_serving_dir(config: "PipelineConfig") -> str:
    """The folder of pushed models, with one folder for each version."""
    return str(local_home(config) / "serving")


def local_events_dir(config: "PipelineConfig") -> Path:
    """The folder of exported events; the same as `configs.home.events_dir`, which patterns cannot always name."""
    return local_home(config) / "events"


def local_metadata_path(config: "PipelineConfig") -> str:
    """The SQLite file of a local pipeline's metadata store."""
    return str(local_home(config) / "metadata.db")


def local_rehearsal_dir(config: "PipelineConfig") -> Path:
    """The folder of a pipeline's rehearsals."""
    return local_home(config) / "rehearsal"


def _no_pattern(folder: Path) -> Path:
    """Returns another path of a folder if its own path holds `*`, `?` or `[`.

    TFX and Beam take the path of an artifact for the beginning of a pattern, and it cannot be escaped: they use it as a
    path, too. The other path goes over a symbolic link in the cache folder.
    """
    above = [parent for parent in (folder, *folder.parents) if glob.has_magic(parent.name)]
    if not above:
        return folder
    target = above[0]
    target.mkdir(parents=True, exist_ok=True)
    links = cache_dir() if not glob.has_magic(str(cache_dir())) else Path(tempfile.gettempdir(), "perennial")
    link = links / "folders" / hashlib.sha256(str(target).encode()).hexdigest()[:16]
    link.parent.mkdir(parents=True, exist_ok=True)
    if not (link.is_symlink() and os.readlink(link) == str(target)):
        with contextlib.suppress(FileExistsError):  # another process has just made it
            link.symlink_to(target, target_is_directory=True)
    return link / folder.relative_to(target)
