"""Runs the benchmark and prints its tables. Each measurement is a fresh process, one after the other.

Imports of TFX and TensorFlow are not counted, on either side; everything from the runner's call to the pushed model is.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import evaluation, measure, quality, times
from tests.bench.synthesize import synthesize

STOCK, PERENNIAL, INGEST, TIMES, EVALUATION = "stock", "perennial", "ingest", "times", "evaluation"


def main() -> None:
    """Writes the logs, measures, prints the tables, and writes the figures to `--json` if it is given."""
    arguments = _arguments()
    console = Console()
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        if not arguments.only_quality:
            _measure_speed(console, arguments, Path(folder), results)
        for name in arguments.logs:
            why = quality.missing(name)
            if why is not None:
                console.print(f"{name} is left out: {why}")
                continue
            console.print(f"Comparing on {name} with {len(quality.SEEDS)} seeds …")
            results[name] = measure.in_a_process(quality.measure, name, Path(folder, "quality"))
            quality.show(console, name, results[name])
    if not arguments.only_quality:
        _print(console, results, arguments)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(results, indent=2))


def _measure_speed(
    console: Console, arguments: argparse.Namespace, folder: Path, results: dict[str, dict[str, Any]]
) -> None:
    small, large = Path(folder, "small"), Path(folder, "large")
    console.print(f"Writing {arguments.rows:,} rows, 20,000 users, 3,000 items …")
    synthesize(small, rows=arguments.rows, users=20_000, items=3_000)
    for name, side in ((STOCK, measure.stock_pipeline), (PERENNIAL, measure.perennial_pipeline)):
        console.print(f"Running {name} …")
        results[name] = measure.in_a_process(side, small, Path(folder, name))
    console.print(f"Writing {arguments.ingest_rows:,} rows, 200,000 users, 10,000 items …")
    synthesize(large, rows=arguments.ingest_rows, users=200_000, items=10_000)
    console.print("Running the ingest alone …")
    results[INGEST] = measure.in_a_process(measure.ingest, large, Path(folder, INGEST))
    console.print(f"Running the ingest of {times.ROWS:,} rows by the form of their times …")
    results[TIMES] = times.run(Path(folder, TIMES))
    console.print(f"Evaluating {evaluation.USERS:,} users …")
    asked = Path(folder, "asked")
    evaluation.write_log(asked)
    results[EVALUATION] = measure.in_a_process(evaluation.measure, asked, Path(folder, EVALUATION))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the side-by-side run")
    parser.add_argument("--ingest-rows", type=int, default=10_000_000, help="rows of the ingest alone")
    parser.add_argument("--only-quality", action="store_true", help="compare models on real logs, and measure no speed")
    parser.add_argument(
        "--logs", nargs="*", choices=list(quality.CASES), default=list(quality.CASES), help="the real logs, by name"
    )
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser.parse_args()


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
    times.show(console, results[TIMES])
    evaluation.show(console, results[EVALUATION])


if __name__ == "__main__":
    main()
