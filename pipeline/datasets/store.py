"""Manages the folder of data sets on this machine; a data set is stored there whole and checked, or not at all."""

import glob
import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from rich.console import Console

from common.atomicity import new_folder, write_bytes
from common.errors import DataSetError
from pipeline.datasets.registry import DATA_SETS, DataSet, find
from pipeline.datasets.sources import check_digest
from pipeline.ground.home import cache_dir

SCHEME = "dataset://"
"""Prefix of a path into a data set in a config."""

DATA_VARIABLE = "PERENNIAL_DATA"
"""The environment variable that names the folder of data sets."""


def data_dir() -> Path:
    """Returns the folder of data sets: PERENNIAL_DATA, or `perennial/datasets` in the user's cache folder."""
    named = os.environ.get(DATA_VARIABLE)
    if named:
        return Path(named).expanduser().resolve()
    return cache_dir() / "datasets"


def resolve(path: str) -> str:
    """Converts `dataset://NAME/REST` to a path on this machine; any other path stays as it is.

    Args:
        path: A path or glob from a config.

    Raises:
        DataSetError: The data set is not on this machine, or the path names no file in one.
    """
    if not path.startswith(SCHEME):
        return path
    name, _, rest = path.removeprefix(SCHEME).partition("/")
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name) or not rest:
        raise DataSetError(f"{path}: names no file of a data set; write {SCHEME}NAME/FILE.")
    folder = data_dir() / name
    if not folder.is_dir():
        fetchable = name in DATA_SETS and DATA_SETS[name].files
        way = f"Run: perennial datasets fetch {name}" if fetchable else f"Put its files into {folder}"
        raise DataSetError(f"{path}: the data set {name} is not on this machine. {way}")
    return f"{glob.escape(str(folder))}/{rest}"


def is_cached(data_set: DataSet) -> bool:
    """Tells whether all files exist with the pinned digests; for a data set without fixed files, its folder."""
    folder = data_dir() / data_set.name
    try:
        for name, sha256 in data_set.files.items():
            check_digest(name, (folder / name).read_bytes(), sha256)
    except (OSError, DataSetError):
        return False
    return folder.is_dir()


def fetch(name: str | DataSet, source: str | os.PathLike[str] | None = None, console: Console | None = None) -> Path:
    """Fetches a data set into the data folder. If it is there already, nothing is downloaded.

    Args:
        name: The name of a data set of the registry, or a data set of your own.
        source: A folder with a copy in one of the published layouts. None: the data set's own sources, in their order.
        console: Where to show progress. None: nowhere.

    Returns:
        The data set's folder.

    Raises:
        DataSetError: No source gave the pinned files; the message says why, source by source.
    """
    data_set = find(name) if isinstance(name, str) else name
    console = console or Console(quiet=True)
    folder = data_dir() / data_set.name
    if not data_set.files:
        raise DataSetError(
            f"{data_set.name} has no fixed edition to fetch. It is {data_set.summary}. Put the files into {folder}; "
            f"they come from {data_set.origin}."
        )
    console.print(
        f"[bold]{data_set.name}[/bold]: {data_set.summary}\nLicence: {data_set.licence}",
        highlight=False,
        soft_wrap=True,
    )
    if is_cached(data_set):
        console.print(f"Already in {folder}", highlight=False, soft_wrap=True)
        return folder

    failures = []
    for address, read in _attempts(data_set, source, console):
        console.print(f"From {address}", highlight=False, soft_wrap=True)
        try:
            files = _convert(read(), data_set)
        except DataSetError as e:
            failures.append(f"  {address}: {e}")
            console.print(f"  failed: {e}", highlight=False, soft_wrap=True, markup=False)
            continue
        _write(files, folder)
        for file, content in files.items():
            lines = content.count(b"\n")
            console.print(f"  {file}: {lines:,} lines, {len(content):,} bytes", highlight=False)
        console.print(f"In {folder}", highlight=False, soft_wrap=True)
        return folder
    reasons = ["could not be fetched. Tried:", *failures] if failures else ["has no automatic source."]
    raise DataSetError(
        f"{data_set.name} " + "\n".join(reasons) + "\n"
        f"If you have a copy, run: perennial datasets fetch {data_set.name} --from FOLDER\n"
        f"Where to find it: {data_set.origin}"
    )


def _attempts(
    data_set: DataSet, source: str | os.PathLike[str] | None, console: Console
) -> list[tuple[str, Callable[[], Mapping[str, bytes]]]]:
    """Lists the sources to try, in order: an address for people, and a function that reads the files from there."""
    if source is not None:
        return [(str(source), partial(_read_folder, Path(source).expanduser(), data_set))]
    return [(one.address, partial(one.read, console)) for one in data_set.sources]


def _read_folder(source: Path, data_set: DataSet) -> dict[str, bytes]:
    wanted = {*data_set.files, *(name for layout in data_set.layouts for name in layout.files)}
    try:
        return {name: (source / name).read_bytes() for name in sorted(wanted) if (source / name).is_file()}
    except OSError as e:
        raise DataSetError(f"cannot be read ({e.strerror})") from e


def _convert(contents: Mapping[str, bytes], data_set: DataSet) -> dict[str, bytes]:
    """Converts a source's files to the data set's files, and checks their digests."""
    if data_set.files.keys() <= contents.keys():
        files = {name: contents[name] for name in data_set.files}
    else:
        layout = next((one for one in data_set.layouts if contents.keys() >= set(one.files)), None)
        if layout is None:
            known = " or ".join(" and ".join(one.files) for one in data_set.layouts)
            raise DataSetError(f"holds {', '.join(contents) or 'none of the files'}; expected {known}")
        try:
            files = layout.convert(contents)
        except UnicodeDecodeError as e:
            raise DataSetError(f"is in another encoding than the published edition: {e}") from e
    for name, sha256 in data_set.files.items():
        check_digest(name, files[name], sha256)
    return files


def _write(files: Mapping[str, bytes], folder: Path) -> None:
    """Writes a new folder whole or not at all; in one that is there, replaces the files and leaves all others."""
    try:
        if folder.is_dir():  # not new_folder, which would delete what a person has put there
            for name, content in files.items():
                write_bytes(folder / name, content)
            return
        with new_folder(folder, commit_file=None) as new:
            for name, content in files.items():
                Path(new, name).write_bytes(content)
    except OSError as e:
        raise DataSetError(
            f"{folder}: cannot be written ({e.strerror}). Name another folder for data sets in {DATA_VARIABLE}."
        ) from e
