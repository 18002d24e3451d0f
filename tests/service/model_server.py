"""Starts the model process as a program, as an administrator would."""

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from tests import forked

NAME = "shop"


@dataclass(frozen=True)
class ModelServer:
    """A running model process."""

    address: str
    process: "subprocess.Popen[str]"


@contextlib.contextmanager
def serving(address: str, *arguments: str) -> Iterator[ModelServer]:
    """Runs a model process, which may still be loading, while the block runs.

    Args:
        address: `HOST:0` or `unix:PATH`.
        *arguments: Further arguments.
    """
    command = [forked.python(), "-m", "service.model_process", "--address", address, "--model-name", NAME, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = process.stdout.readline().split()[-1]
        yield ModelServer(address.removesuffix(":0") + (f":{port}" if address.endswith(":0") else ""), process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
