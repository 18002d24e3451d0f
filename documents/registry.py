"""registry.json: what RegistryPusher did in Vertex AI's Model Registry."""

from typing import Any, ClassVar

from documents.document import Document


class RegistryReport(Document):
    """The outcome of a registration."""

    FILE: ClassVar[str] = "registry.json"

    registered: bool
    reason: str | None = None
    """Why nothing was registered; None if something was."""

    model: str | None = None
    """The version's resource name."""

    version: int | None = None
    """The version's number in the registry."""

    is_new: bool = False
    """Whether this run registered it; if not, the registry had it already."""

    previous_version: int | None = None
    """The version that has the alias of the previous version."""

    traffic: dict[str, int] = {}
    """Version to its percentage of the Endpoint's requests; empty if there is no Endpoint."""

    model_digest: str | None = None
    serving_path: str | None = None
    """The version's folder in the serving folder."""

    def to_values(self) -> dict[str, Any]:
        """Returns the report as JSON values, without the fields that were not set because nothing was registered."""
        return {"format_version": self.format_version, **self.model_dump(exclude_unset=True)}
