"""push.json in the Pusher's artifact: what a run's push did. `documents.push_record` is what it left in the version."""

from typing import Any, ClassVar

from documents.document import Document


class PushReport(Document):
    """The outcome of a push."""

    FILE: ClassVar[str] = "push.json"

    pushed: bool
    """Whether the model is live."""

    reason: str
    """Part of a sentence for people: what happened, and why."""

    version: int | None = None
    """The live version, which holds this model; None if it was not pushed."""

    is_new: bool = False
    """Whether a new version was made; if not, the model was live already, or it was not pushed."""

    destination: str | None = None
    """The version's folder."""

    model_digest: str | None = None
    """The model's digest; None for a model that was not blessed."""

    deleted_versions: tuple[int, ...] = ()
    """Old versions that were deleted to keep to `push.keep_versions`."""

    def to_values(self) -> dict[str, Any]:
        """Returns the report as JSON values, without the fields that were not set because nothing was pushed."""
        return {"format_version": self.format_version, **self.model_dump(exclude_unset=True)}
