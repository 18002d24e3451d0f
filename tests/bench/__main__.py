"""Runs the benchmark and prints its tables. Each measurement is a fresh process, one after the other.

Imports of TFX and TensorFlow are not counted, on either side; everything from the runner's call to the pushed model is.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import quality
from tests.bench.synthesize import synthesize

STOCK, PERENNIAL, INGEST = "stock", "perennial", "ingest"


def main() -> None:
    """Writes the logs, measures, prints, and leaves `results.json` behind if asked."""
    arguments = _arguments()
    console = Console()
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        small, large = Path(folder, "small"), Path(folder, "large")
        console.print(f"Writing {arguments.rows:,} rows, 20,000 users, 3,000 items …")
        synthesize(small, rows=arguments.rows, users=20_000, items=3_000)
        for name, measure in ((STOCK, _stock), (PERENNIAL, _perennial)):
            console.print(f"Running {name} …")
            results[name] = _in_a_process(measure, small, Path(folder, name))
        console.print(f"Writing {arguments.ingest_rows:,} rows, 200,000 users, 10,000 items …")
        synthesize(large, rows=arguments.ingest_rows, users=200_000, items=10_000)
        console.print("Running the ingest alone …")
        results[INGEST] = _in_a_process(_ingest, large, Path(folder, INGEST))
        for name in quality.DATA_SETS:
            why = quality.missing(name)
            if why is not None:
                console.print(f"{name} is left out: {why}")
                continue
            console.print(f"Running {name} with {len(quality.SEEDS)} seeds …")
            results[name] = _in_a_process(quality.measure, name, Path(folder, name))
    _print(console, results, arguments)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(results, indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the side-by-side run")
    parser.add_argument("--ingest-rows", type=int, default=10_000_000, help="rows of the ingest alone")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser.parse_args()


def _in_a_process(measure: Callable[[Any, Path], dict[str, Any]], source: Any, folder: Path) -> dict[str, Any]:
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


def _stock(log: Path, folder: Path) -> dict[str, float]:
    from tests.bench import stock

    beam_pipeline_args = list(_config(log, folder).beam_pipeline_args)
    return _timed_run(stock.create_pipeline(folder, log / "interactions", beam_pipeline_args), folder)


def _perennial(log: Path, folder: Path) -> dict[str, float]:
    from pipeline.pipeline import create_pipeline
    from pipeline.places import local_places

    config = _config(log, folder)
    return _timed_run(create_pipeline(config, local_places(config)), folder)


def _ingest(log: Path, folder: Path) -> dict[str, float]:
    from tfx.orchestration.pipeline import Pipeline

    from pipeline.pipeline import create_pipeline
    from pipeline.places import local_places

    config = _config(log, folder)
    whole = create_pipeline(config, local_places(config))
    alone = Pipeline(
        pipeline_name="ingest",
        pipeline_root=str(folder / "artifacts"),
        components=[whole.components[0]],
        metadata_connection_config=whole.metadata_connection_config,
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
    from tfx import v1 as tfx

    from pipeline import progress

    folder.mkdir(parents=True, exist_ok=True)
    since = time.perf_counter()
    with progress.shown(folder / "logs") as run:
        tfx.orchestration.LocalDagRunner().run(pipeline)
    return {**run.seconds, "total": time.perf_counter() - since}


def _print(console: Console, results: dict[str, dict[str, Any]], arguments: argparse.Namespace) -> None:
    stock, ours = results[STOCK], results[PERENNIAL]
    components = Table("component", "stock, s", "Perennial, s", title=f"{arguments.rows:,} rows, one epoch")
    for name in [*stock, *(name for name in ours if name not in stock)]:
        components.add_row(name, *(f"{side[name]:.2f}" if name in side else "" for side in (stock, ours)))
    console.print(components)
    ingest = stock["CsvExampleGen"] / ours["InteractionGen"]
    console.print(f"Ingest {ingest:.1f} times faster, the pipeline {stock['total'] / ours['total']:.1f} times faster.")
    alone = results[INGEST]
    console.print(
        f"Ingest of {arguments.ingest_rows:,} rows: {alone['InteractionGen']:.1f} s, "
        f"{alone['peak_gib']:.2f} GiB at peak, imports included."
    )
    for name in quality.DATA_SETS:
        if name in results:
            quality.show(console, name, results[name])


if __name__ == "__main__":
    main()
