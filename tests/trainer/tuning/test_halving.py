"""Which trials go on at a rung, and when time ends one."""

import pytest

from trainer.tuning.halving import OutOfTime, Stopped, Watch, goes_on, rungs


@pytest.mark.parametrize(
    ("epochs", "expected"), [(1, ()), (3, ()), (4, (2,)), (8, (3,)), (20, (3, 7)), (27, (3, 9)), (100, (2, 4, 12, 34))]
)
def test_rungs_are_thirds_of_thirds_and_not_the_first_epoch(epochs: int, expected: tuple[int, ...]) -> None:
    assert rungs(epochs) == expected


@pytest.mark.parametrize(
    ("score", "others", "expected"),
    [
        (0.1, [], True),
        (0.1, [0.2], False),
        (0.2, [0.2], True),  # not worse
        (0.3, [0.4, 0.1, 0.2], True),  # second of four
        (0.3, [0.4, 0.5, 0.1], False),  # third of four
        (0.3, [0.1] * 5, True),
    ],
)
def test_trial_goes_on_in_the_best_third(score: float, others: list[float], expected: bool) -> None:
    assert goes_on(score, others) is expected


def watch(earlier: list[list[float]], *ticks: float, deadline: float = 100, is_stoppable: bool = True) -> Watch:
    clock = iter((0.0, *ticks))
    return Watch(earlier, 8, deadline, lambda: next(clock), is_stoppable=is_stoppable)


def test_watch_compares_at_the_rung_alone_with_those_that_reached_it() -> None:
    begun = watch([[0.9, 0.9], [0.1, 0.1, 0.1, 0.9]], *range(1, 9))  # the first one was stopped by time
    for score in (0.0, 0.0, 0.1, 0.0, 0.0):
        begun.after_epoch(score)
    worse = watch([[0.1, 0.1, 0.3]], *range(1, 9))
    worse.after_epoch(0.2)
    worse.after_epoch(0.2)
    with pytest.raises(Stopped):
        worse.after_epoch(0.2)


def test_watch_of_a_trial_that_others_are_compared_with_never_stops_it() -> None:
    begun = watch([[0.9] * 8], *range(1, 9), is_stoppable=False)
    for _ in range(8):
        begun.after_epoch(0.0)
    assert begun.scores == [0.0] * 8


def test_watch_ends_a_trial_whose_next_epoch_would_end_too_late_by_the_longest_so_far() -> None:
    begun = watch([], 1, 5, 6, deadline=9.5)  # epochs of 1, 4 and 1 seconds
    begun.after_epoch(0.1)
    begun.after_epoch(0.1)  # ends at 5; the next one may take until 9
    with pytest.raises(OutOfTime):
        begun.after_epoch(0.1)


def test_watch_lets_the_last_epoch_end_however_late_it_is() -> None:
    begun = Watch([], 1, 0.0, iter((0.0, 50.0)).__next__, is_stoppable=True)
    begun.after_epoch(0.1)
