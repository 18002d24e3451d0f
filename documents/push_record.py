"""assets.extra/push.json in a version of a serving folder: where the version comes from."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, ConfigDict

from documents.document import Document


def _is_iso_8601(text: str) -> str:
    datetime.fromisoformat(text)
    return text


class PushRecord(Document):
    """What a push or a rollback wrote down; all of it is None for a version that came otherwise.

    Others may write here, too: what they wrote stays.
    """

    model_config = ConfigDict(extra="allow")

    FILE: ClassVar[str] = "assets.extra/push.json"
    TO_DO: ClassVar[str] = "Mend it, or remove it: its version then counts as one that came otherwise."

    model_digest: str | None = None
    """Which model the version holds, 64 hexadecimal digits."""

    pushed_at: Annotated[str, AfterValidator(_is_iso_8601)] | None = None
    """ISO 8601."""

    source: str | None = None
    """The newest place in which the pipeline has this model."""

    origin: int | None = None
    """The version under which a rollback found the model first."""

    rolled_back_to: int | None = None
    """The version that a rollback named."""

    def to_values(self) -> dict[str, Any]:
        """The record as JSON values, without our own fields that say nothing."""
        others = self.__pydantic_extra__ or {}
        return {name: value for name, value in self.model_dump().items() if value is not None or name in others}
