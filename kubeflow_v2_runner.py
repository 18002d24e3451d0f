"""Entry file of the `tfx` CLI with `--engine=vertex`: compiles the Vertex job. PERENNIAL_CONFIG names the YAML."""

import sys

from configs.errors import ConfigError, PerennialError
from configs.load import config_from_environment
from tfx import v1 as tfx

from pipeline.pipeline import create_pipeline
from pipeline.places import vertex_places


def main() -> None:
    """Writes `pipeline.json` into the current folder, or where the `tfx` CLI wants it."""
    try:
        config = config_from_environment()
        places = vertex_places(config)
        if config.vertex is None:  # vertex_places has refused it
            raise ConfigError(f"pipeline {config.name}: no vertex section")
        runner = tfx.orchestration.experimental.KubeflowV2DagRunner(
            config=tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(default_image=config.vertex.image)
        )
        runner.run(create_pipeline(config, places))
    except PerennialError as e:
        sys.exit(f"{type(e).__name__}: {e}")


if __name__ == "__main__":
    main()
