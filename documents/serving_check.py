"""serving_check.json: how a model answered in a process of its own, before a push."""

from typing import Any, ClassVar

from documents.document import Document, Values


class Latency(Values):
    """Milliseconds of an answer."""

    p50: float
    p95: float
    max: float


class SignatureCheck(Values):
    """The result of asking one signature."""

    requests: int
    max_difference: float
    """Largest difference between a number and the trainer's answer, relative to its row."""

    latency_ms: Latency | None = None
    """None for a signature that failed: it is not timed."""


class ReplayResult(Values):
    """The result that `replay.py` writes. That script runs without this package, so that only its reader is typed."""

    failures: tuple[str, ...]
    """Why the model must not be served; empty if it may be served."""

    load_seconds: float | None
    """None if the model was not loaded."""

    signatures: dict[str, SignatureCheck]
    peak_rss_mib: float | None
    """None if the model was not loaded."""


class ServingCheckReport(Document):
    """The result of ServingCheck."""

    FILE: ClassVar[str] = "serving_check.json"

    blessed: bool
    failures: tuple[str, ...]
    """As in `ReplayResult`, like the next three fields."""

    load_seconds: float | None
    signatures: dict[str, SignatureCheck]
    peak_rss_mib: float | None
    limits: dict[str, Any]
    """The config's `serving_check`."""
