"""gate.json: what DataGate checked before it blessed a run's data, and the counts that a later run compares with."""

from typing import ClassVar

from documents.document import Document, Values


class FoundAnomaly(Values):
    """One anomaly: where it is, what TFDV calls it, and TFDV's description."""

    data: str
    """`interactions` or `catalogue`."""

    split: str
    feature: str
    """Empty for an anomaly of the whole split."""

    anomaly: str
    """TFDV's name of the anomaly type."""

    description: str
    ignored: bool
    """Whether `data_gate.ignore_anomalies` lists it."""


class DriftCheck(Values):
    """A check of today's data against the last run's: one number, its limit, and whether it is within the limit."""

    check: str
    """`drift` (train against the last train), `skew` (eval's targets against the last train), `growth`, `count`,
    `filled` (how many items have a feature), or `share` (of the log, that one user or item has)."""

    data: str
    """`interactions` or `catalogue`."""

    split: str
    """`train` or `eval`; "" for a check that belongs to no split."""

    feature: str
    """The feature that is compared, or the name of the count."""

    measure: str
    """Such as `jensen_shannon_divergence`, `share`, `ratio`."""

    value: float | None
    """The measured value; None where there was nothing to measure."""

    limit: float | None
    """The allowed value; None where nothing was measured."""

    passed: bool
    """Whether the data may pass."""

    detail: str
    """A sentence for people; it names the config's field."""


class Filled(Values):
    """How many items have a feature, and how many training interactions are with such items."""

    items: int
    of_items: int
    """Items that the catalogue itself holds."""

    interactions: int
    of_interactions: int


class Counts(Values):
    """Counts of a run's data."""

    events: int
    """Training interactions."""

    users: int
    """Training users."""

    items: int
    """Different items of the training interactions."""

    catalogue_items: int
    """Items that the catalogue itself holds; 0 without a catalogue."""

    oldest_timestamp: int | None
    """Of the log's good rows, Unix seconds; None without timestamps."""

    newest_timestamp: int | None
    """Of the log's good rows, Unix seconds; None without timestamps."""

    events_per_day: float | None
    """Mean of the log's newest days; None without timestamps, or without a whole day."""

    users_per_day: float | None
    """As `events_per_day`."""

    items_per_day: float | None
    """As `events_per_day`."""

    filled: dict[str, Filled] = {}
    """By `title` and the catalogue's features."""

    held_out_early: float | None = None
    """As in `CleaningReport`."""


class DataGateReport(Document):
    """Why a run's data may be trained on."""

    FILE: ClassVar[str] = "gate.json"

    checked: tuple[str, ...]
    """`<data>/<split>` of everything that was compared with its schema."""

    ignored: tuple[FoundAnomaly, ...]
    """Anomalies that the config allows."""

    checks: tuple[DriftCheck, ...]
    """Comparisons with the last blessed model's data; all of them passed."""

    counts: Counts
    compared_with: str | None
    """URI of the last blessed model; None if nothing was compared."""

    not_compared_because: str | None
    """The reason why nothing was compared; None if something was compared."""
