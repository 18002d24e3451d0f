"""Signals that come while something is done, and while nothing may be cut short."""

import signal
import threading
from collections.abc import Iterator

import pytest

from pipeline.cloud.signals import Signals

BOTH = pytest.mark.parametrize(("number", "raised"), [(signal.SIGTERM, SystemExit), (signal.SIGINT, KeyboardInterrupt)])


@pytest.fixture(autouse=True)
def _ctrl_c() -> Iterator[None]:
    """Python's own handler, also where the one who runs the tests ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@BOTH
def test_signal_ends_the_block_at_once(number: signal.Signals, raised: type[BaseException]) -> None:
    done = []

    def block() -> None:
        with Signals():
            signal.raise_signal(number)
            done.append("went on")

    with pytest.raises(raised):
        block()
    assert done == []


@BOTH
def test_signal_that_comes_while_held_ends_the_block_afterwards(
    number: signal.Signals, raised: type[BaseException]
) -> None:
    done = []

    def block() -> None:
        with Signals() as signals:
            with signals.held():
                signal.raise_signal(number)
                done.append("held")
            done.append("went on")

    with pytest.raises(raised):
        block()
    assert done == ["held"]


def test_second_signal_does_not_cut_short_what_the_first_has_begun() -> None:
    done = []

    def block() -> None:
        with Signals():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                signal.raise_signal(signal.SIGINT)
                done.append("tidied")

    with pytest.raises(SystemExit) as ended:
        block()
    assert (ended.value.code, done) == (143, ["tidied"])


def test_handlers_are_those_of_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with Signals():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_ctrl_c_that_is_ignored_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Signals() as signals, signals.held():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_outside_the_main_thread_no_signal_is_taken() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def run() -> None:
        with Signals() as signals, signals.held():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]
