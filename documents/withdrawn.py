""".withdrawn.json in a serving folder: the models that a rollback took out of service."""

from typing import ClassVar

from pydantic import ConfigDict

from documents.document import Document, Values


class WithdrawnModel(Values):
    """A model that is out of service. Other programs may add fields of their own: these are kept."""

    model_config = ConfigDict(extra="allow")

    version: int
    """The newest version number that the model had."""

    at: str
    """When it was withdrawn, ISO 8601."""


class Withdrawn(Document):
    """The models that are out of service."""

    FILE: ClassVar[str] = ".withdrawn.json"
    TO_DO: ClassVar[str] = (
        "It lists the models that a rollback took out of service: repair it, or delete it and roll back again."
    )

    models: dict[str, WithdrawnModel]
    """By model digest."""
