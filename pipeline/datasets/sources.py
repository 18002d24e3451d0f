"""Downloads a data set's files: from a web folder, from a zip on the web, or from a wheel in pip's package index.

It does not trust what it downloads: sizes and times are bounded; an archive is only read, never unpacked or installed;
and the store checks the digest of every file that it keeps.
"""

import hashlib
import io
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from common.errors import DataSetError

MAX_BYTES = 64 * 2**20
"""Limit of a download and of a file in an archive; the largest real file is goodbooks-10k's ratings, 12 MB."""

CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 30.0
TOTAL_TIMEOUT_SECONDS = 600.0
"""Limit of one whole download: a server that sends a byte now and then never reaches the read timeout."""

CHUNK_BYTES = 2**16


class Source(Protocol):
    """A source of the files of one layout."""

    @property
    def address(self) -> str:
        """An address for people: a URL or a package requirement."""

    def read(self, console: Console) -> Mapping[str, bytes]:
        """Reads the files, by base name.

        Raises:
            DataSetError: The files could not be read; the message does not repeat the address.
        """


@dataclass(frozen=True)
class WebFiles:
    """Single files under one web folder."""

    address: str
    names: tuple[str, ...]

    def read(self, console: Console) -> Mapping[str, bytes]:
        """See `Source.read`."""
        return {name: download(f"{self.address}/{name}", console) for name in self.names}


@dataclass(frozen=True)
class WebZip:
    """Files inside a zip on the web."""

    address: str
    sha256: str | None
    """Digest of the zip; None if the publisher makes a new zip for each download."""
    members: tuple[str, ...]

    def read(self, console: Console) -> Mapping[str, bytes]:
        """See `Source.read`."""
        return read_zip(download(self.address, console), self.sha256, self.members)


@dataclass(frozen=True)
class Wheel:
    """Files inside a wheel, fetched from the package index that pip is configured for."""

    address: str
    """An exact requirement, `name==version`."""
    sha256: str
    """Digest of the wheel."""
    members: tuple[str, ...]

    def read(self, console: Console) -> Mapping[str, bytes]:
        """See `Source.read`."""
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
        with tempfile.TemporaryDirectory() as folder, console.status(f"pip download {self.address}"):
            try:
                # The wheel is only read as a zip, so it does not matter for which Python it was built.
                done = subprocess.run(
                    [*command, "--ignore-requires-python", "--retries=2", f"--dest={folder}", self.address],
                    cwd=folder,  # Python searches the current folder first, where a person may have a json.py
                    capture_output=True,
                    text=True,
                    timeout=TOTAL_TIMEOUT_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired as e:
                raise DataSetError(f"pip did not finish in {TOTAL_TIMEOUT_SECONDS:.0f} seconds") from e
            if done.returncode != 0:
                raise DataSetError(f"pip download failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
            wheels = list(Path(folder).glob("*.whl"))
            if len(wheels) != 1:
                raise DataSetError(f"pip download left {len(wheels)} wheels, not one")
            if wheels[0].stat().st_size > MAX_BYTES:
                raise DataSetError(f"the wheel is larger than {MAX_BYTES:,} bytes")
            return read_zip(wheels[0].read_bytes(), self.sha256, self.members)


def download(url: str, console: Console) -> bytes:
    """Downloads a URL, with a progress bar of bytes.

    Raises:
        DataSetError: The server cannot be reached, answers with an error, or sends too much or too slowly.
    """
    import requests  # takes a tenth of a second to import, which every command would wait for

    started = time.monotonic()
    file = url.rsplit("/", 1)[1]
    content = bytearray()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    try:
        with (
            requests.get(url, stream=True, timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)) as response,
            Progress(*columns, console=console, transient=True) as progress,
        ):
            response.raise_for_status()
            length = response.headers.get("Content-Length", "")
            task = progress.add_task(file, total=int(length) if length.isdigit() else None)
            for chunk in response.iter_content(CHUNK_BYTES):
                content += chunk
                if len(content) > MAX_BYTES:
                    raise DataSetError(f"{file}: received more than {MAX_BYTES:,} bytes")
                if time.monotonic() - started > TOTAL_TIMEOUT_SECONDS:
                    raise DataSetError(f"{file}: not finished after {TOTAL_TIMEOUT_SECONDS:.0f} seconds")
                progress.update(task, advance=len(chunk))
    except requests.RequestException as e:
        raise DataSetError(f"{file}: {_cause(e)}") from e
    return bytes(content)


def read_zip(archive: bytes, sha256: str | None, members: tuple[str, ...]) -> dict[str, bytes]:
    """Reads some files of a zip.

    Args:
        archive: The zip.
        sha256: Its digest, checked before it is opened; None: it is not checked.
        members: Paths inside it.

    Returns:
        Contents by base name.

    Raises:
        DataSetError: The digest differs, the archive is not a zip, or a member is missing or too large.
    """
    if sha256 is not None:
        check_digest("the archive", archive, sha256)
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            contents = {}
            for member in members:
                if opened.getinfo(member).file_size > MAX_BYTES:
                    raise DataSetError(f"{member} in the archive is larger than {MAX_BYTES:,} bytes")
                contents[member.rsplit("/", 1)[-1]] = opened.read(member)
            return contents
    except KeyError as e:
        raise DataSetError(f"the archive lacks a file: {e.args[0]}") from e
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as e:
        # zipfile raises RuntimeError for encrypted members and unknown compression.
        raise DataSetError(f"the download is not a readable zip: {e}") from e


def check_digest(what: str, content: bytes, sha256: str) -> None:
    """Checks the SHA-256 of some content.

    Raises:
        DataSetError: The digest differs.
    """
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise DataSetError(f"{what} has the SHA-256 {actual} ({len(content):,} bytes), not the pinned {sha256}")


def _cause(error: BaseException) -> str:
    """Finds the innermost error: requests wraps urllib3's error, which wraps the system's, in a text of many lines."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return f"{type(error).__name__}: {error}"
