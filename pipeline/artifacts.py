"""Artifact types of our own. Their names are part of the metadata store's schema."""

from tfx.types import artifact


class DataBlessing(artifact.Artifact):  # type: ignore[misc]
    """DataGate's word that a run's data may be trained on; `gate.json` inside lists what was looked at."""

    TYPE_NAME = "DataBlessing"
