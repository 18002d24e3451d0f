"""Measures quality on real logs: runs the pipeline like `perennial run`, with three seeds."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from common.errors import DataSetError
from configs.load import DEFAULT_CONFIG, load_config
from documents.metrics import TrainingMetrics
from pipeline import datasets

DATA_SETS = ("movielens-100k", "movietweetings")
SEEDS = (0, 1, 2)
METRICS = ("hit_rate@10", "ndcg@10", "recall@100")


def missing(name: str) -> str | None:
    """Fetches a data set; returns why this failed, or None if the data set is there."""
    try:
        datasets.fetch(name)
    except DataSetError as e:
        return str(e)
    return None


def measure(name: str, folder: Path) -> dict[str, Any]:
    """Runs a pipeline once for each seed, each from a cold start; what comes before the trainer is cached.

    Args:
        name: A data set, and the YAML of the same name.
        folder: The folder of the runs.

    Returns:
        `popularity`: metrics by name; `model`: for each seed, metrics by name.
    """
    from pipeline.runners import local

    config = load_config(DEFAULT_CONFIG.parent / f"{name}.yaml").model_copy(update={"output_dir": str(folder)})
    for seed in SEEDS:
        trainer = config.trainer.model_copy(update={"seed": seed, "warm_start": False})
        local.run(config.model_copy(update={"trainer": trainer}))
    found = (folder / name).glob(f"artifacts/Trainer/model_run/*/{TrainingMetrics.FILE}")
    runs = sorted(found, key=lambda run: int(run.parent.name))  # by execution, and so by seed
    summaries = [TrainingMetrics.read(run.parent) for run in runs]
    return {"popularity": summaries[0].popularity, "model": [summary.model for summary in summaries]}


def show(console: Console, name: str, figures: dict[str, Any]) -> None:
    """Prints popularity, each seed and their mean."""
    table = Table("", *METRICS, title=f"{name}, full catalogue, seen items out")
    rows = {f"seed {seed}": metrics for seed, metrics in zip(SEEDS, figures["model"], strict=True)}
    rows["mean"] = {metric: sum(model[metric] for model in figures["model"]) / len(SEEDS) for metric in METRICS}
    for label, metrics in {"popularity": figures["popularity"], **rows}.items():
        table.add_row(label, *(f"{metrics[metric]:.4f}" for metric in METRICS))
    console.print(table)
