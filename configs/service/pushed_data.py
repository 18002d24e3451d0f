"""Defines what a push must know to put the service's data beside a model; taken from several sections of the config."""

from collections.abc import Mapping

from pydantic import Field

from configs.base import Settings
from configs.content_features import Feature
from documents.service_data import Kind


class PushedData(Settings):
    """What is in the data that `documents.service_data` describes. It is no section of the YAML."""

    features: dict[str, Kind]
    """Content feature of the catalogue to its kind, sorted by name."""

    is_timed: bool
    """Whether the log has times."""

    max_history: int = Field(ge=0)
    """`service.max_history`."""

    @classmethod
    def of(cls, features: Mapping[str, Feature], is_timed: bool, max_history: int) -> "PushedData":
        """Makes the settings.

        Args:
            features: The content features of the catalogue, in any order: the order in the YAML means nothing.
            is_timed: Whether the log has times.
            max_history: `service.max_history`.
        """
        kinds = {name: features[name].kind for name in sorted(features)}
        return cls(features=kinds, is_timed=is_timed, max_history=max_history)
