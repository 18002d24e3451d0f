"""Runs the pipeline for the `tfx` CLI with `--engine=local`. PERENNIAL_CONFIG names the pipeline's YAML.

This file is at the root because the CLI puts its folder first on `sys.path`.
"""

import os
import sys
from pathlib import Path

from common.errors import ConfigError, PerennialError
from configs.load import CONFIG_VARIABLE, config_from_environment
from pipeline.runners import local


def main() -> None:
    """Runs the pipeline of PERENNIAL_CONFIG; prints an error of ours as its message, without a traceback."""
    try:
        config = config_from_environment()
        requested = _requested_pipeline_name()
        if requested not in (None, config.name):
            raise ConfigError(
                f"`tfx run create` names the pipeline {requested!r}, but the config is for {config.name!r}: export "
                f"{CONFIG_VARIABLE} with the YAML that the pipeline was created from."
            )
        local.run(config)
    except PerennialError as e:
        sys.exit(f"{type(e).__name__}: {e}")


def _requested_pipeline_name() -> str | None:
    """Returns the name given to `tfx run create`, which starts this file as its child without passing the name on.

    Without this check, a run whose environment lacks the variable would silently train another pipeline.
    """
    command = Path(f"/proc/{os.getppid()}/cmdline")
    arguments = command.read_bytes().decode(errors="replace").split("\0") if command.exists() else []
    for at, argument in enumerate(arguments):
        flag, _, value = argument.partition("=")
        if flag in ("--pipeline_name", "--pipeline-name"):
            return value or "".join(arguments[at + 1 : at + 2])
    return None


if __name__ == "__main__":
    main()
