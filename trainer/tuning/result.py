"""Finds the best trial, and whether its settings are better than those of the config beyond chance."""

from collections.abc import Sequence

from documents.tuning import Difference, Trial, TuningReport
from trainer.bootstrap import paired_interval
from trainer.tuning.journal import Journal


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The complete trial with the highest score, the first of several; None if there is none."""
    complete = [trial for trial in trials if trial.score is not None]
    return max(complete, key=lambda trial: (trial.score, -trial.number), default=None)


def report_of(journal: Journal, kind: str, metric: str, users: int) -> TuningReport:
    """Reports a search.

    Args:
        journal: Its trials; the first one has the settings of the config.
        kind: The kind of the model.
        metric: The metric of the scores.
        users: Users that the trials were measured on.
    """
    trials = tuple(journal.trials)
    is_measured = bool(trials) and trials[0].score is not None
    best = best_of(trials) if is_measured else None
    difference = None
    if best is not None and best.number != 1:
        found = paired_interval(journal.by_user(best.number) - journal.by_user(1))
        difference = Difference(value=found.value, low=found.low, high=found.high)
    return TuningReport(
        kind=kind,
        metric=metric,
        users=users,
        trials=trials,
        best=best.number if best is not None else None,
        difference=difference,
        is_taken=difference is not None and difference.low > 0,
        seconds=round(sum(trial.seconds for trial in trials), 3),
    )
