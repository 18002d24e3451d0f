"""Compiles the Vertex job for the `tfx` CLI with `--engine=vertex`. PERENNIAL_CONFIG names the pipeline's YAML."""

import sys

from common.errors import PerennialError
from configs.load import config_from_environment
from pipeline.runners.vertex.compile import compile_job
from pipeline.runners.vertex.labels import made_of


def main() -> None:
    """Writes `pipeline.json` into the current folder, or into the folder that the `tfx` CLI asks for."""
    try:
        config = config_from_environment()
        compile_job(config, labels=made_of(config))
    except PerennialError as e:
        sys.exit(f"{type(e).__name__}: {e}")


if __name__ == "__main__":
    main()
