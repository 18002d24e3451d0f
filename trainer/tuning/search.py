"""Searches the settings of a model on targets that are held out of the training interactions."""

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
from pydantic import JsonValue

from common.errors import TrainingError
from configs.leave_out import LeaveOut
from configs.models import AnyModel
from configs.models.ranges import Range
from configs.tuner import Tuner
from documents.tuning import Origin, Trial, TrialState, TuningReport
from trainer.data import TrainingData
from trainer.evaluate import Evaluator
from trainer.fitting import Training, kind_of
from trainer.tuning.halving import OutOfTime, Stopped, Watch
from trainer.tuning.journal import Journal
from trainer.tuning.result import best_of, report_of
from trainer.tuning.sampling import is_new, proposed
from trainer.tuning.values import values_of, with_values
from trainer.validation import hold_out
from trainer.warm_state import Carried

_UNSTOPPED = ("config", "last search")
"""Trials that are trained to the end: the first is what the others are compared with."""

_REPEATS = 20
"""How many proposals in a row may repeat earlier trials before the space counts as searched."""

_LOGGER = logging.getLogger("perennial.tuner")


class WatchedEvaluator(Evaluator):
    """Measures as `Evaluator` does, and tells the metric after each epoch."""

    after_epoch: Callable[[float], None] = staticmethod(lambda score: None)

    def evaluate(self, scores: Callable[..., tuple[object, object]]) -> dict[str, float]:
        """Measures at the end of an epoch; see `Evaluator.evaluate`."""
        metrics = super().evaluate(scores)
        self.after_epoch(metrics[self.choosing_metric])
        return metrics


@dataclasses.dataclass(frozen=True)
class Found:
    """The result of a search.

    Attributes:
        report: What was tried.
        space: What was searched.
        values: The settings to train with: those of the config, unless better ones were found.
    """

    report: TuningReport
    space: Mapping[str, Range]
    values: dict[str, JsonValue]


class Search:
    """One search, over data that was read once."""

    def __init__(
        self,
        data: TrainingData,
        settings: AnyModel,
        rule: LeaveOut,
        limits: Tuner,
        journal: Journal,
        last: Mapping[str, JsonValue],
        folder: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Holds the targets out.

        Args:
            data: The data of a run; its eval split is not looked at.
            settings: The settings of the config.
            rule: What is left out of lists.
            limits: When the search ends, and its seed.
            journal: What an interrupted search has left; new trials are added.
            last: What the last search found, by name; empty if there was none.
            folder: Where TensorBoard's logs go.
            clock: Seconds.

        Raises:
            TrainingError: No targets can be held out.
        """
        validation = hold_out(data, settings.validates_by, settings.eval_max_users)
        if validation is None:
            raise TrainingError(
                "The tuner needs users with two items or more, whose newest one it can hold out; there is none. Give "
                "more interactions, or remove the section tuner."
            )
        self._data = validation
        self._settings = settings
        self._limits = limits
        self._journal = journal
        self._folder = folder
        self._clock = clock
        self.space = settings.space(len(data.interacted_items))
        self._configured = values_of(settings, self.space)
        self._last = {name: last.get(name, value) for name, value in self._configured.items()}
        self._evaluator = WatchedEvaluator(
            validation.held_out,
            validation.candidates,
            validation.popularity,
            settings.eval_top_k,
            rule,
            settings.eval_max_users,
        )

    def run(self) -> Found:
        """Makes trials until the time, their number or the space ends it, and compares the best with the config's."""
        journal = self._journal
        spent = sum(trial.seconds for trial in journal.trials)
        deadline = self._clock() + self._limits.max_seconds - spent
        if journal.trials:
            _LOGGER.info("going on after %d trials of an interrupted search, %.0f s", len(journal.trials), spent)
        while (wanted := self._next()) is not None and self._may_begin(deadline):
            trial, by_user = self._try(*wanted, deadline)
            journal.add(trial, by_user)
            self._log(trial)
        evaluator = self._evaluator
        report = report_of(journal, self._settings.kind, evaluator.choosing_metric, evaluator.counts["users"])
        best = next((trial for trial in journal.trials if trial.number == report.best), None)
        values = best.values if best is not None and report.is_taken else self._configured
        return Found(report, self.space, dict(values))

    def _next(self) -> tuple[Origin, dict[str, JsonValue]] | None:
        """Where the next trial comes from, and its settings; None if there is nothing left to try."""
        tried = [trial.values for trial in self._journal.trials]
        if len(tried) >= self._limits.max_trials:
            return None
        if not tried:
            return "config", self._configured
        if not self.space:
            return None
        if is_new(self._last, tried) and all(trial.origin != "last search" for trial in self._journal.trials):
            return "last search", self._last
        best = best_of(self._journal.trials)
        for number in range(len(tried), len(tried) + _REPEATS):
            is_near = best is not None and number % 2 == 0
            values = proposed(self.space, number, self._limits.seed, best.values if best and is_near else None)
            if is_new(values, tried):
                return ("near the best" if is_near else "space"), values
        return None

    def _may_begin(self, deadline: float) -> bool:
        """Whether there is time for an epoch of one more trial, or for all of it if it has no epochs."""
        done = self._journal.trials
        epochs = [trial.seconds / len(trial.epochs) for trial in done if trial.epochs]
        needed = min(epochs) if epochs else max((trial.seconds for trial in done), default=0.0)
        return self._clock() + needed < deadline

    def _try(
        self, origin: Origin, values: dict[str, JsonValue], deadline: float
    ) -> tuple[Trial, npt.NDArray[np.float64] | None]:
        number = len(self._journal.trials) + 1
        since = self._clock()
        earlier = [trial.epochs for trial in self._journal.trials]
        state: TrialState = "complete"
        score, by_user, error = None, None, None
        watch = None
        try:
            settings = with_values(self._settings, values, f"the values of trial {number}")
            watch = Watch(earlier, settings.passes, deadline, self._clock, is_stoppable=origin not in _UNSTOPPED)
            self._evaluator.after_epoch = watch.after_epoch
            training = Training(self._data, self._evaluator, True, None, _tell_nobody, self._folder)
            with _quiet():
                model = kind_of(settings).fit(training, settings).model
            by_user = self._evaluator.by_user(model.scores)[self._evaluator.choosing_metric]
            score = float(np.nanmean(by_user))
        except Stopped:
            state = "stopped"
        except OutOfTime:
            state = "out of time"
        except TrainingError as e:
            state, error = "failed", str(e)
        seconds = round(self._clock() - since, 3)
        epochs = tuple(watch.scores) if watch is not None else ()
        trial = Trial(
            number=number, origin=origin, values=values, state=state, score=score, epochs=epochs, seconds=seconds,
            error=error,
        )  # fmt: skip
        return trial, by_user

    def _log(self, trial: Trial) -> None:
        best = best_of(self._journal.trials)
        _LOGGER.info(
            "trial %d of at most %d, %s, %.1f s: %s %s%s; %s",
            trial.number,
            self._limits.max_trials,
            trial.state,
            trial.seconds,
            self._evaluator.choosing_metric,
            "none" if trial.score is None else f"{trial.score:.4f}",
            f" (best {best.score:.4f}, trial {best.number})" if best is not None else "",
            trial.error or ", ".join(f"{name} {value}" for name, value in trial.values.items()),
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leaves out what a training logs: a line for each epoch of each trial would hide the trials."""
    logger = logging.getLogger("perennial.trainer")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _tell_nobody(carried: Mapping[str, Carried], epochs: int) -> None: ...
