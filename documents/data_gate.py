"""gate.json: what DataGate looked at before it blessed a run's data, and the counts that a later run compares with."""

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
    """TFDV's name of the type."""

    description: str
    ignored: bool
    """Whether `data_gate.ignore_anomalies` names it."""


class DriftCheck(Values):
    """A check of today's data against the last run's: one number, its limit, and whether it keeps to it."""

    check: str
    """`drift` (train against the last train), `skew` (eval's targets against the last train), `growth` or `count`."""

    data: str
    """`interactions` or `catalogue`."""

    split: str
    """`train` or `eval`; "" for what is of no split."""

    feature: str
    """The feature that is compared, or what is counted."""

    measure: str
    """Such as `jensen_shannon_divergence`, `share`, `ratio`."""

    value: float | None
    """What was measured; None where there was nothing to measure."""

    limit: float | None
    """What is allowed; None where nothing was measured."""

    passed: bool
    """Whether the data may pass."""

    detail: str
    """A sentence for people, with the config's field."""


class Counts(Values):
    """A run's data in numbers."""

    events: int
    """Interactions that are trained on."""

    users: int
    """Users that are trained on."""

    items: int
    """Items that are trained on."""

    catalogue_items: int
    """Items that the catalogue itself holds; 0 without a catalogue."""

    oldest_timestamp: int | None
    """Of the log's good rows, Unix seconds; None without timestamps."""

    newest_timestamp: int | None
    """Of the log's good rows, Unix seconds; None without timestamps."""

    events_per_day: float | None
    """Mean of the log's newest days; None without timestamps, or without a whole day."""

    users_per_day: float | None
    """Likewise."""

    items_per_day: float | None
    """Likewise."""


class DataGateReport(Document):
    """Why a run's data may be trained on."""

    FILE: ClassVar[str] = "gate.json"

    checked: tuple[str, ...]
    """`<data>/<split>` of everything that was compared with its schema."""

    ignored: tuple[FoundAnomaly, ...]
    """Anomalies that the config lets pass."""

    checks: tuple[DriftCheck, ...]
    """Comparisons with the data of the last blessed model; all of them passed."""

    counts: Counts
    compared_with: str | None
    """URI of the last blessed model; None if nothing was compared."""

    not_compared_because: str | None
    """None if something was compared."""
