"""Defines how a blessed model is checked before it is pushed, and how many models the serving folder keeps."""

from pydantic import Field

from configs.base import Settings


class ServingCheckSettings(Settings):
    """What a model must do in a fresh process before it is pushed.

    Example:
        serving_check: {max_p95_latency_ms: 50}
    """

    timeout_seconds: float = Field(default=300.0, gt=0)
    """Time limit of the whole check: start, load, answers, latency. Default 300: some ten times what a model of
    100,000 items needs on 2 cores, so that only a model that hangs is stopped."""

    tolerance: float = Field(default=1e-4, gt=0, lt=1)
    """How far a number may be from the trainer's own answer, relative to the largest of its row. Scores that are closer
    to each other than this may change places. Default 1e-4: float32 sums in another order differ by some 1e-6."""

    max_p95_latency_ms: float = Field(default=1000.0, gt=0)
    """Latency that 95 % of a signature's requests must stay below, on the CPU of the machine that checks. Default 1000:
    a page that waits a second for its recommendations is broken. Set it to what your page allows."""

    repeats: int = Field(default=20, ge=5)
    """How often each request is timed, after one untimed request. Default 20: enough that a p95 is not the maximum."""


class PushSettings(Settings):
    """The serving folder.

    Example:
        push: {keep_versions: 5}
    """

    keep_versions: int = Field(default=5, ge=1)
    """Number of models that are kept, the newest ones, each under its newest number. The live one always stays. Default
    5: enough to go back past a bad week of nightly runs."""
