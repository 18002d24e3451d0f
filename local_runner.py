"""Entry file of the `tfx` CLI with `--engine=local`. PERENNIAL_CONFIG names the pipeline's YAML.

It stands at the root because the CLI puts its folder first on `sys.path`.
"""

import sys

from configs.errors import PerennialError
from configs.load import config_from_environment
from pipeline import local


def main() -> None:
    """Runs the pipeline of PERENNIAL_CONFIG; an error of ours is told in its own words, without a traceback."""
    try:
        local.run(config_from_environment())
    except PerennialError as e:
        sys.exit(f"{type(e).__name__}: {e}")


if __name__ == "__main__":
    main()
