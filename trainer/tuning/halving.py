"""Decides at the end of an epoch whether a trial goes on: by the trials before it, and by the time."""

import math
from collections.abc import Callable, Sequence

_REDUCTION = 3
"""One trial in so many goes on at a rung."""

_FIRST_EPOCHS = 2
"""The fewest epochs after which trials are compared: the first one says little."""


class TrialEnd(Exception):
    """A trial ends before its model is trained."""


class Stopped(TrialEnd):
    """Too many other trials were better after as many epochs."""


class OutOfTime(TrialEnd):
    """The next epoch would end after the time limit."""


def rungs(epochs: int) -> tuple[int, ...]:
    """The numbers of epochs after which trials are compared, for a model that is trained so many epochs."""
    found = []
    while (epochs := math.ceil(epochs / _REDUCTION)) >= _FIRST_EPOCHS:
        found.append(epochs)
    return tuple(reversed(found))


def goes_on(score: float, others: Sequence[float]) -> bool:
    """Whether a trial is in the best third at a rung, itself counted.

    This is successive halving for one trial at a time (Li et al. 2020, "A system for massively parallel hyperparameter
    tuning", section 3): a trial is compared with those before it, and either goes on at once or never. So no model is
    kept in memory or trained twice.

    Args:
        score: The trial's metric after the rung's epochs.
        others: The same of the trials before it that reached the rung.
    """
    better = sum(other > score for other in others)
    return better < math.ceil((len(others) + 1) / _REDUCTION)


class Watch:
    """Watches the epochs of one trial.

    Attributes:
        scores: The metric after each epoch.
    """

    def __init__(
        self,
        earlier: Sequence[Sequence[float]],
        epochs: int,
        deadline: float,
        clock: Callable[[], float],
        *,
        is_stoppable: bool,
    ) -> None:
        """Starts before the first epoch.

        Args:
            earlier: The metric after each epoch, of each trial before this one.
            epochs: The number of epochs; 1 for a model that has none.
            deadline: When the search ends, by the clock.
            clock: Seconds.
            is_stoppable: Whether the trial may be stopped because others are better.
        """
        self._earlier = earlier
        self._epochs = epochs
        self._rungs = rungs(epochs) if is_stoppable else ()
        self._deadline = deadline
        self._clock = clock
        self._last = clock()
        self._longest = 0.0
        self.scores: list[float] = []

    def after_epoch(self, score: float) -> None:
        """Takes the metric after an epoch.

        Raises:
            TrialEnd: The trial must end here.
        """
        self.scores.append(score)
        now, done = self._clock(), len(self.scores)
        self._longest, self._last = max(self._longest, now - self._last), now
        if done in self._rungs and not goes_on(score, [each[done - 1] for each in self._earlier if len(each) >= done]):
            raise Stopped
        if done < self._epochs and now + self._longest > self._deadline:
            raise OutOfTime
