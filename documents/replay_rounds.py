"""rounds.json in a replay's folder: how each round so far has ended."""

from typing import ClassVar, Literal

from documents.document import Document, Values

RoundOutcome = Literal["pushed", "refused", "stopped"]
PUSHED: RoundOutcome = "pushed"
REFUSED: RoundOutcome = "refused"
STOPPED: RoundOutcome = "stopped"


class Round(Values):
    """How one round ended."""

    number: int
    """From 1."""

    events: int
    """Rows of the log so far."""

    newest: int
    """Timestamp of the newest of these rows, in the log's unit."""

    outcome: RoundOutcome
    """`pushed`; `refused` by the gate; or `stopped` by an error."""

    reason: str
    """The rules that failed, or the error; empty for a pushed model."""

    version: str | None
    """The version that was pushed; None if none was."""

    warm: bool
    """Whether training started from the last blessed model."""

    metrics: dict[str, dict[str, float | None]]
    """Headline metrics by contender (`model`, `popularity`, …); empty for a round that was stopped."""

    train_seconds: float | None
    """Time of all epochs without their evaluations; None if nothing was trained."""

    seconds: float
    """Time of the whole round."""


class ReplayRounds(Document):
    """All rounds so far."""

    FILE: ClassVar[str] = "rounds.json"
    TO_DO: ClassVar[str] = "Start the replay again: it writes the file anew."

    rounds: tuple[Round, ...]
