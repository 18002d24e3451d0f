"""Runs the service: `python -m service --config shop.yaml`, which is also `perennial serve`."""

import os

# Before NumPy is imported: its threads would take the processors from the model and from each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Before gRPC is imported: it would prepare for forks, which never happen here, and complain when a program is started.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
# gRPC writes lines of its own about every connection that ends.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import argparse
import sys

import uvloop

from common.errors import PerennialError
from service.serving import serve


def main() -> int:
    """Runs until a signal ends it.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m service", description="Answer HTTP from the pushed model.")
    parser.add_argument("--config", required=True, help="the pipeline's YAML")
    parser.add_argument("--host", help="address to listen at, instead of the config's")
    parser.add_argument("--port", type=int, help="port to listen at, instead of the config's; 0 takes a free one")
    arguments = parser.parse_args()
    try:
        uvloop.run(serve(arguments.config, arguments.host, arguments.port))
    except PerennialError as e:
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
