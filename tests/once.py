"""Makes a folder that is slow to make and the same for every test only once in a test run, for all workers."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

_VARIABLE, _PROCESS = "PERENNIAL_TESTS_SHARED", "PERENNIAL_TESTS_PROCESS"


def begin() -> None:
    """Makes the folder of this test run, whose name the workers inherit. Called by pytest's first process."""
    os.environ[_VARIABLE] = tempfile.mkdtemp(prefix="perennial-tests-")
    os.environ[_PROCESS] = str(os.getpid())


def end() -> None:
    """Deletes the folder of this test run."""
    shutil.rmtree(os.environ.pop(_VARIABLE), ignore_errors=True)


def test_run() -> int:
    """Returns the process id of pytest's first process, with which everything that the tests share ends."""
    return int(os.environ[_PROCESS])


def once(name: str, make: Callable[[Path], None]) -> Path:
    """Returns a shared folder. The first caller makes it, while the others wait.

    Args:
        name: The folder's name, which must contain everything that the content depends on.
        make: Makes the folder; its argument is the path, which does not exist yet.

    Returns:
        The folder. All tests share it: copy it before you change a file.
    """
    folder = Path(os.environ[_VARIABLE], name)
    made = folder.with_name(f"{name}.made")
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)  # left by a test that failed while it made the folder
            make(folder)
            made.touch()
    return folder
