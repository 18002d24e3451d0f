"""Runs a pipeline on this machine, with progress, as both `local_runner.py` and `perennial run` do."""

import tempfile
import time
from pathlib import Path

from rich.console import Console
from tfx import v1 as tfx

from configs.errors import OutputError
from configs.pipeline import PipelineConfig
from pipeline import progress
from pipeline.models import newest_version
from pipeline.pipeline import create_pipeline
from pipeline.places import Places, local_home, local_places
from trainer import METRICS_FILE


def run(config: PipelineConfig) -> None:
    """Runs the pipeline once and says where everything is.

    Args:
        config: The pipeline.

    Raises:
        OutputError: The output folder cannot be made or written; nothing has run.
        PerennialError: A component refused its input; nothing was pushed.
    """
    places = local_places(config)
    logs_dir = local_home(config) / "logs"
    _require_writable(local_home(config), logs_dir, places)
    console = Console()
    console.print(f"Pipeline [bold]{config.name}[/] with tfx {tfx.__version__}", highlight=False)
    since = time.monotonic()
    with progress.shown(logs_dir, console) as run_progress:
        tfx.orchestration.LocalDagRunner().run(create_pipeline(config, places))
    if run_progress.seconds:  # none under `tfx pipeline create`, which takes the pipeline and runs nothing
        console.print(f"Finished in {time.monotonic() - since:.1f} s", highlight=False)
        show_places(config, console)


def _require_writable(home: Path, logs_dir: Path, places: Places) -> None:
    """Tries what the run will do, since TFX and the metadata store fail in words of their own, some of them late."""
    path = home
    try:
        home.mkdir(parents=True, exist_ok=True)
        for path in (home, logs_dir, Path(places.pipeline_root), Path(places.serving_dir)):
            if path.exists():  # else it will be made in `home`
                with tempfile.TemporaryFile(dir=path):
                    pass
        if places.metadata_path is not None and Path(places.metadata_path).exists():
            path = Path(places.metadata_path)
            path.open("r+b").close()
    except OSError as e:
        raise OutputError(
            f"{path}: cannot be written ({e.strerror}). Free or unlock it, or name another folder in output_dir."
        ) from e


def show_places(config: PipelineConfig, console: Console) -> None:
    """Says where the newest model, its metrics and the metadata are.

    Args:
        config: A pipeline that has run.
        console: Where to print.

    Raises:
        ModelError: Nothing has been pushed.
    """
    places = local_places(config)
    runs = Path(places.pipeline_root, "TwoTowerTrainer", "model_run").iterdir()
    newest_run = max((run for run in runs if run.name.isdigit()), key=lambda run: int(run.name))
    for what, where in (
        ("Model", newest_version(places.serving_dir)),
        ("Metrics", newest_run / METRICS_FILE),
        ("TensorBoard", f"tensorboard --logdir {newest_run}"),
        ("Metadata", places.metadata_path),
    ):
        console.print(f"  {what:<12} {where}", highlight=False, soft_wrap=True)
