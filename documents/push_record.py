"""assets.extra/push.json in a version of a serving folder: where the version comes from."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, ConfigDict

from documents.document import Document


def _is_iso_8601(text: str) -> str:
    datetime.fromisoformat(text)
    return text


class PushRecord(Document):
    """What a push or a rollback recorded; all fields are None for a version that was put there in another way.

    Other programs may add fields of their own: these are kept.
    """

    model_config = ConfigDict(extra="allow")

    FILE: ClassVar[str] = "assets.extra/push.json"
    TO_DO: ClassVar[str] = "Repair it, or delete it: its version then counts as one that no push or rollback made."

    model_digest: str | None = None
    """Digest of the model that the version holds, 64 hexadecimal digits."""

    pushed_at: Annotated[str, AfterValidator(_is_iso_8601)] | None = None
    """ISO 8601."""

    source: str | None = None
    """Where the pipeline last stored this model."""

    origin: int | None = None
    """The version that first held the model, before any rollback."""

    rolled_back_to: int | None = None
    """The version that the user asked a rollback to go to."""

    def to_values(self) -> dict[str, Any]:
        """Returns the record as JSON values, without those of our own fields that are None."""
        others = self.__pydantic_extra__ or {}
        return {name: value for name, value in self.model_dump().items() if value is not None or name in others}
