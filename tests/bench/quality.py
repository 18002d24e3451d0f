"""Measures quality on real logs as `perennial compare` does, with three seeds; every training is a cold start."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from common.errors import DataSetError
from configs.load import DEFAULT_CONFIG, load_config
from configs.pipeline import PipelineConfig
from configs.split import Split
from documents.comparison import Candidate, ComparisonReport
from documents.evaluation import ContenderMeasurements, Measurement
from pipeline import datasets

SEEDS = (0, 1, 2)
METRICS = ("hit_rate@10", "ndcg@10", "recall@100")


@dataclass(frozen=True)
class Case:
    """A log, and how it is split.

    Attributes:
        data_set: A data set, and the YAML of the same name.
        split: In place of that of the YAML.
        all_ratings: Whether every rating counts as a like.
    """

    data_set: str
    split: Split | None = None
    all_ratings: bool = False

    def config(self) -> PipelineConfig:
        """The config of its comparison, with the default candidates."""
        config = load_config(DEFAULT_CONFIG.parent / f"{self.data_set}.yaml")
        log = dict(config.log)
        if self.split is not None:
            log["split"] = self.split
        if self.all_ratings:
            log["cleaning"] = config.log.cleaning.model_copy(update={"positive_min": None})
        # What follows from the split, such as the order of histories, is decided anew.
        given = {name: getattr(config, name) for name in config.model_fields_set}
        trainer = config.trainer.model_copy(update={"ordered_history": None, "validation": None})
        if self.split is not None:
            given["trainer"] = trainer
        return PipelineConfig.model_validate({**given, "log": log}).compared()


CASES = {
    "movielens-100k": Case("movielens-100k"),
    "movietweetings": Case("movietweetings"),
    "retailrocket": Case("retailrocket"),
    "goodbooks-10k": Case("goodbooks-10k"),
    "movielens-100k-random": Case("movielens-100k", Split(method="random", eval_fraction=0.25), all_ratings=True),
    "movielens-100k-time": Case("movielens-100k", Split(method="time", eval_fraction=0.1)),
    "movietweetings-time": Case("movietweetings", Split(method="time", eval_fraction=0.1)),
}


def missing(name: str) -> str | None:
    """Fetches the data of a case; returns why this failed, or None if it is there."""
    try:
        datasets.fetch(CASES[name].data_set)
    except DataSetError as e:
        return str(e)
    return None


def measure(name: str, folder: Path) -> dict[str, Any]:
    """Compares once for each seed; what comes before the trainers is cached.

    Args:
        name: A case.
        folder: The folder of the runs.

    Returns:
        `winners`, one for each seed; `contenders`: name to one dictionary for each seed, of metrics and seconds.
    """
    from pipeline.runners import local

    config = CASES[name].config().model_copy(update={"output_dir": str(folder), "name": name})
    assert config.compare is not None
    for seed in SEEDS:
        seeded = {each: model.model_copy(update={"seed": seed}) for each, model in config.compare.candidates.items()}
        local.run(config.model_copy(update={"compare": config.compare.model_copy(update={"candidates": seeded})}))
    found = (folder / name).glob(f"artifacts/ModelComparison/comparison/*/{ComparisonReport.FILE}")
    # By execution, and so by seed.
    reports = [ComparisonReport.read(run.parent) for run in sorted(found, key=lambda run: int(run.parent.name))]
    assert len(reports) == len(SEEDS)
    names = sorted({candidate.name for report in reports for candidate in report.candidates})
    baselines = [baseline for baseline in reports[0].baselines if baseline != "last_blessed"]
    return {
        "winners": [report.winner for report in reports],
        "contenders": {
            **{f"baseline {each}": [_figures(report.baselines[each]) for report in reports] for each in baselines},
            **{each: [_candidate(report, each) for report in reports] for each in names},
            "winner": [_candidate(report, report.winner) for report in reports],
        },
    }


def _candidate(report: ComparisonReport, name: str) -> dict[str, Any]:
    candidate: Candidate = next(each for each in report.candidates if each.name == name)
    figures = _figures(candidate.evaluation) if candidate.evaluation is not None else {}
    return {**figures, "seconds": candidate.seconds, "fault": candidate.fault}


def _figures(measured: ContenderMeasurements) -> dict[str, Any]:
    def plain(found: Measurement) -> list[float | None]:
        return [found.value, found.low, found.high]

    return {metric: plain(measured.metrics[metric]) for metric in METRICS}


def show(console: Console, name: str, figures: dict[str, Any]) -> None:
    """Prints the mean of the seeds of each contender, and of the interval of nDCG@10."""
    table = Table("", *METRICS, "95 % of nDCG@10", "seconds", title=f"{name}, mean of {len(SEEDS)} seeds")
    for contender, seeds in figures["contenders"].items():
        measured = [seed for seed in seeds if METRICS[0] in seed]
        if not measured:
            table.add_row(contender, seeds[0]["fault"] or "not measured")
            continue
        mean = {metric: _mean([seed[metric] for seed in measured]) for metric in METRICS}
        seconds = [seed["seconds"] for seed in measured if seed.get("seconds") is not None]
        table.add_row(
            contender,
            *(f"{mean[metric][0]:.4f}" for metric in METRICS),
            f"{mean['ndcg@10'][1]:.4f} to {mean['ndcg@10'][2]:.4f}",
            f"{sum(seconds) / len(seconds):.1f}" if seconds else "",
        )
    console.print(table)
    console.print(f"{name}: the winners are {', '.join(figures['winners'])}.")


def _mean(measured: list[list[float]]) -> list[float]:
    return [sum(each) / len(each) for each in zip(*measured, strict=True)]
