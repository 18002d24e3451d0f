"""Entry file of the `tfx` CLI with `--engine=vertex`: compiles the Vertex job. PERENNIAL_CONFIG names the YAML."""

import sys

from configs.errors import PerennialError
from configs.load import config_from_environment
from pipeline.vertex.compile import compile_job


def main() -> None:
    """Writes `pipeline.json` into the current folder, or where the `tfx` CLI wants it."""
    try:
        compile_job(config_from_environment())
    except PerennialError as e:
        sys.exit(f"{type(e).__name__}: {e}")


if __name__ == "__main__":
    main()
