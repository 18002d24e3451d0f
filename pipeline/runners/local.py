"""Runs a pipeline on this machine, with progress, for both `local_runner.py` and `perennial run`."""

import contextlib
import errno
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ml_metadata import errors as mlmd_errors
from rich.console import Console
from tensorflow import errors as tf_errors
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.version import __version__

from common.errors import ModelError, OutputError, PerennialError
from configs.pipeline import PipelineConfig
from documents.metrics import TrainingMetrics
from pipeline.ground import beam_cache, progress
from pipeline.ground.home import local_home, local_metadata_path, local_serving_dir
from pipeline.ground.places import Places
from pipeline.pipeline import create_pipeline
from pipeline.report.files import write_local_report, write_missing_reports
from pipeline.runners.places import local_places
from pipeline.store.models import newest_version
from pipeline.store.runs.lock import pipeline_lock
from pipeline.store.runs.outcome import recorded
from pipeline.store.runs.records import Run, read_runs
from pipeline.store.runs.recovery import recover
from pipeline.store.runs.retention import LOGS_DIR, prune
from pipeline.store.versions.blessings import take_back

_UNREADABLE = (OSError, RuntimeError, ValueError, mlmd_errors.StatusError, tf_errors.OpError, PerennialError)
"""Errors that a disk, the metadata store or a damaged record may raise when runs are read, or old runs are deleted."""

_SQLITE_REASONS = ("database or disk is full", "attempt to write a readonly database")

_ROOM_BYTES = 64 * 1024
"""Free space that a run needs to begin: its lock, the first lines of its log, some pages of the metadata store."""


def run(config: PipelineConfig, *, search: bool = False) -> Run | None:
    """Runs the pipeline once and prints where its outputs are.

    Args:
        config: The pipeline.
        search: Whether the run is a search of the settings, see `create_pipeline`.

    Returns:
        The run, as the metadata store has it. None under `tfx pipeline create`, which only compiles the pipeline.

    Raises:
        LockedError: Another run is at work, and the config says not to wait.
        OutputError: The output folder cannot be made or written; nothing has run.
        PerennialError: A component refused its input; nothing was pushed.
    """
    places, home = local_places(config), local_home(config)
    logs_dir = home / LOGS_DIR
    _require_writable(home, logs_dir, places)
    beam_cache.install()
    console = Console()
    console.print(f"Pipeline [bold]{config.name}[/] with tfx {__version__}", highlight=False)
    for warning in config.warnings:
        console.print(f"Warning: {warning}", style="yellow", highlight=False, markup=False)
    with _full_disks_reported(home), pipeline_lock(config, console), progress.shown(logs_dir, console):
        since = time.monotonic()
        artifacts_root, metadata_path = Path(places.pipeline_root), local_metadata_path(config)
        recover(metadata_path, config.name, artifacts_root)
        take_back(metadata_path, places.serving_dir)
        earlier = read_runs(metadata_path, config.name)
        write_missing_reports(config, earlier)
        has_failed = True
        try:
            with recorded(metadata_path), _full_disks_reported(home):  # here too, so that this message is recorded
                LocalDagRunner().run(create_pipeline(config, places, search=search))
            has_failed = False
        finally:
            runs = _runs_since(config, len(earlier), has_failed)
            if runs:  # empty under `tfx pipeline create`, which only compiles the pipeline
                _after_run(config, runs[0], console)
        if runs:
            console.print(f"Finished in {time.monotonic() - since:.1f} s", highlight=False)
            if not search:
                show_places(config, console)
        return runs[0] if runs else None


def _runs_since(config: PipelineConfig, earlier: int, has_failed: bool) -> list[Run]:
    """Reads the runs after the first `earlier` ones; after a failed run it only logs that they cannot be read."""
    try:
        return read_runs(local_metadata_path(config), config.name)[earlier:]
    except _UNREADABLE as e:
        if not has_failed:
            raise
        logging.getLogger("perennial.runs").error(
            "%s: this run cannot be read, so it has no report and no old runs were deleted (%s: %s). The next run does "
            "both.",
            local_home(config),
            type(e).__name__,
            e,
        )
        return []


def _after_run(config: PipelineConfig, run: Run, console: Console) -> None:
    """Writes the run's report and deletes old runs, however the run ended; neither changes the run's outcome."""
    console.print(f"Run {run.number} {run.state}: see `perennial runs show {run.number}`.", highlight=False)
    try:
        console.print(f"  {'Report':<12} {write_local_report(config, run)}", highlight=False, soft_wrap=True)
    except OutputError as e:
        logging.getLogger("perennial.report").error("%s", e)
    try:
        # Also after a failed run: if runs fail every night, the data that each has read would fill the disk.
        root, serving_dir = Path(local_places(config).pipeline_root), local_serving_dir(config)
        prune(local_metadata_path(config), config.name, root, serving_dir, config.runs.keep)
    except _UNREADABLE as e:
        logging.getLogger("perennial.runs").error(
            "%s: old runs were not deleted (%s: %s). The next run tries again.",
            local_home(config),
            type(e).__name__,
            e,
        )


@contextlib.contextmanager
def _full_disks_reported(home: Path) -> Iterator[None]:
    """Turns errors about a full disk into an OutputError.

    Python, TensorFlow and SQLite each raise an error of their own, and Beam wraps the first two.
    """
    try:
        yield
    except PerennialError:
        raise
    except Exception as e:
        for reason in (*map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EROFS)), *_SQLITE_REASONS):
            if reason in str(e):
                raise OutputError(
                    f"{home}: cannot be written ({reason}). Free disk space, or name another folder in output_dir; "
                    "the next run continues from the finished nodes, and the served model stays as it is."
                ) from e
        raise


def _require_writable(home: Path, logs_dir: Path, places: Places) -> None:
    """Checks that the run can write its folders; else TFX and the metadata store fail later, with unclear messages."""
    path = home
    try:
        home.mkdir(parents=True, exist_ok=True)
        for path in (home, logs_dir, Path(places.pipeline_root), Path(places.serving_dir)):
            if path.exists():  # else it will be created in `home`
                with tempfile.TemporaryFile(dir=path) as file:
                    file.write(bytes(_ROOM_BYTES))
                    file.flush()
                    os.fsync(file.fileno())  # some disks report only then that they are full
        if places.metadata_path is not None and Path(places.metadata_path).exists():
            path = Path(places.metadata_path)
            path.open("r+b").close()
    except OSError as e:
        raise OutputError(
            f"{path}: cannot be written ({e.strerror}). Free disk space, make the file writable, or name another "
            "folder in output_dir."
        ) from e


def show_places(config: PipelineConfig, console: Console) -> None:
    """Prints where the served model, the newest metrics and the metadata are.

    Args:
        config: A pipeline that has run.
        console: Where to print.
    """
    places = local_places(config)
    model_runs = [
        model_run
        for run in read_runs(local_metadata_path(config), config.name)
        if (model_run := run.output("ModelRun"))
    ]
    try:
        model = newest_version(places.serving_dir)
    except ModelError:
        model = "none has been pushed"
    except OutputError as e:  # the record of an old push is damaged: the run itself has succeeded
        model = str(e)
    for what, where in (
        ("Model", model),
        ("Metrics", os.path.join(model_runs[-1].uri, TrainingMetrics.FILE)),
        ("TensorBoard", f"tensorboard --logdir {model_runs[-1].uri}"),
        ("Metadata", local_metadata_path(config)),
    ):
        console.print(f"  {what:<12} {where}", highlight=False, soft_wrap=True)
