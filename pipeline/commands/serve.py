"""The command `perennial serve`."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from pipeline.commands.arguments import add_command, add_config
from pipeline.commands.chosen_config import chosen
from pipeline.commands.service_libraries import require_service

if TYPE_CHECKING:
    from pipeline.commands.arguments import Commands


def add_parser(commands: "Commands") -> None:
    """Adds `serve` to the command line.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "serve",
        "answer HTTP from the pushed model",
        _serve,
        details="Serves recommendations from the newest version in the serving folder, and follows it: a version that "
        "is pushed, or rolled back to, takes over within seconds once it has been checked. It takes events for the "
        "next run. It ends on Ctrl-C or SIGTERM.",
        examples=["perennial serve", "perennial serve --config shop.yaml --port 8081"],
    )
    add_config(parser)
    parser.add_argument("--host", help="address to listen at, instead of service.host")
    parser.add_argument("--port", type=int, help="port to listen at, instead of service.port; 0 takes a free one")


def _serve(arguments: argparse.Namespace) -> None:
    require_service("fastapi", "grpc", "orjson", "sqlalchemy", "uvicorn")
    command = [sys.executable, "-m", "service", "--config", chosen(arguments.config)]
    for name in ("host", "port"):
        if getattr(arguments, name) is not None:
            command += [f"--{name}", str(getattr(arguments, name))]
    sys.stdout.flush()
    # A new program: it sets what NumPy and gRPC read when they are imported, and no module of the pipeline stays.
    os.execv(sys.executable, command)
