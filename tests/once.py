"""What is dear to make and the same for every test, made once in a test run for all its workers."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

_VARIABLE = "PERENNIAL_TESTS_SHARED"


def begin() -> None:
    """Makes the folder of this test run; workers inherit its name. For pytest's first process."""
    os.environ[_VARIABLE] = tempfile.mkdtemp(prefix="perennial-tests-")


def end() -> None:
    """Deletes the folder of this test run."""
    shutil.rmtree(os.environ.pop(_VARIABLE), ignore_errors=True)


def once(name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first who asks for it makes, while others wait.

    Args:
        name: What is made: everything that it depends on is in its name.
        make: Makes it; is given a folder that is not there.

    Returns:
        The folder. All share it: whoever changes a file in it changes a copy.
    """
    folder = Path(os.environ[_VARIABLE], name)
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_name(f"{name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)  # of a test that failed in between
            make(unfinished)
            unfinished.rename(folder)
    return folder
