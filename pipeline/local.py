"""Runs a pipeline on this machine, with progress, as both `local_runner.py` and `perennial run` do."""

import time

from rich.console import Console
from tfx import v1 as tfx

from configs.pipeline import PipelineConfig
from pipeline import progress
from pipeline.pipeline import create_pipeline
from pipeline.places import local_home, local_places


def run(config: PipelineConfig) -> None:
    """Runs the pipeline once and says where everything is.

    Args:
        config: The pipeline.

    Raises:
        PerennialError: A component refused its input; nothing was pushed.
    """
    places = local_places(config)
    console = Console()
    assert places.metadata_path is not None
    console.print(f"Pipeline [bold]{config.name}[/] with tfx {tfx.__version__}", highlight=False)
    since = time.monotonic()
    with progress.shown(local_home(config) / "logs", console):
        tfx.orchestration.LocalDagRunner().run(create_pipeline(config, places))
    console.print(f"Finished in {time.monotonic() - since:.1f} s", highlight=False)
    for what, where in (
        ("Pushed models", places.serving_dir),
        ("Metrics", f"{places.pipeline_root}/TwoTowerTrainer/model_run"),
        ("Metadata", places.metadata_path),
    ):
        console.print(f"  {what:<14} {where}", highlight=False, soft_wrap=True)
