"""push.json in the Pusher's artifact: what a run's push did. What it left in the version is `documents.push_record`."""

from typing import Any, ClassVar

from documents.document import Document


class PushReport(Document):
    """What came of a push."""

    FILE: ClassVar[str] = "push.json"

    pushed: bool
    """Whether the model is live."""

    reason: str
    """A part of a sentence for people: what happened, and why."""

    version: int | None = None
    """The live version, which holds this model; None if it was not pushed."""

    is_new: bool = False
    """Whether a version was made; else the model was live already, or it was not pushed."""

    destination: str | None = None
    """The version's folder."""

    model_digest: str | None = None
    """None for a model that was not blessed."""

    deleted_versions: tuple[int, ...] = ()
    """Versions that made way."""

    def to_values(self) -> dict[str, Any]:
        """The report as JSON values, without the fields that a push which was not done does not set."""
        return {"format_version": self.format_version, **self.model_dump(exclude_unset=True)}
