"""Measures in a fresh process: seconds for each component, and peak memory in GiB.

This module is separate from `__main__`, which a spawned process cannot import.
"""

import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def in_a_process(measure: Callable[[Any, Path], dict[str, Any]], source: Any, folder: Path) -> dict[str, Any]:
    """Calls `measure(source, folder)` in a process of its own and returns its figures, with `peak_gib`."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(measure, source, folder, sender))
    process.start()
    sender.close()
    try:
        figures: dict[str, Any] = receiver.recv()
    except EOFError:
        raise SystemExit(f"{measure.__name__} failed; its error is above") from None
    process.join()
    return figures


def _report(measure: Callable[[Any, Path], dict[str, Any]], source: Any, folder: Path, sender: Any) -> None:
    figures = measure(source, folder)
    figures["peak_gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sender.send(figures)
    sender.close()


def stock_pipeline(log: Path, folder: Path) -> dict[str, float]:
    """Runs TFX's stock components on the log in this folder."""
    from tests.bench import stock

    beam_pipeline_args = list(_config(log, folder).beam_pipeline_args)
    return _timed_run(stock.create_pipeline(folder, log / "interactions", beam_pipeline_args), folder)


def perennial_pipeline(log: Path, folder: Path) -> dict[str, float]:
    """Runs Perennial on the log in this folder."""
    from pipeline.pipeline import create_pipeline
    from pipeline.runners.places import local_places

    config = _config(log, folder)
    return _timed_run(create_pipeline(config, local_places(config)), folder)


def ingest(log: Path, folder: Path) -> dict[str, float]:
    """Runs only InteractionGen on the log in this folder."""
    from tfx.orchestration.metadata import sqlite_metadata_connection_config
    from tfx.orchestration.pipeline import Pipeline

    from pipeline.components.interaction_gen.component import InteractionGen
    from pipeline.runners.places import local_places

    config = _config(log, folder)
    places = local_places(config)
    gen = InteractionGen(log=config.log, paths=places.log_paths)
    alone = Pipeline(
        pipeline_name="ingest",
        pipeline_root=str(folder / "artifacts"),
        components=[gen],
        metadata_connection_config=sqlite_metadata_connection_config(str(folder / "metadata.db")),
        beam_pipeline_args=list(config.beam_pipeline_args),
    )
    return _timed_run(alone, folder)


def _config(log: Path, folder: Path) -> Any:
    """`books-40m.yaml`, on this log, with the stock trainer's epochs, batch and dimensions."""
    from configs.load import DEFAULT_CONFIG, load_config

    config = load_config(DEFAULT_CONFIG.parent / "books-40m.yaml")
    assert config.catalogue is not None
    return config.model_copy(
        update={
            "log": config.log.model_copy(update={"path": str(log / "interactions" / "part-*.csv")}),
            "catalogue": config.catalogue.model_copy(update={"path": str(log / "items.csv")}),
            "trainer": config.trainer.model_copy(update={"epochs": 1, "batch_size": 4096, "embedding_dim": 32}),
            "output_dir": str(folder),
        }
    )


def _timed_run(pipeline: Any, folder: Path) -> dict[str, float]:
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    from pipeline.ground import progress

    folder.mkdir(parents=True, exist_ok=True)
    since = time.perf_counter()
    with progress.shown(folder / "logs") as run:
        LocalDagRunner().run(pipeline)
    return {**run.seconds, "total": time.perf_counter() - since}
