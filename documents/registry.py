"""registry.json: what RegistryPusher did in Vertex AI's Model Registry."""

from typing import Any, ClassVar

from documents.document import Document


class RegistryReport(Document):
    """What came of a registration."""

    FILE: ClassVar[str] = "registry.json"

    registered: bool
    reason: str | None = None
    """Why nothing was registered; None if something was."""

    model: str | None = None
    """The version's resource name."""

    version: int | None = None
    """The version's number in the registry."""

    is_new: bool = False
    """Whether it was registered now; else the registry had it."""

    previous_version: int | None = None
    """The version that has the alias for the one before."""

    traffic: dict[str, int] = {}
    """Version to its percentage of the Endpoint's requests; empty where there is no Endpoint."""

    model_digest: str | None = None
    serving_path: str | None = None
    """The version's folder in the serving folder."""

    def to_values(self) -> dict[str, Any]:
        """The report as JSON values, without the fields that a registration which was not done does not set."""
        return {"format_version": self.format_version, **self.model_dump(exclude_unset=True)}
