"""Artifact types of our own.

A type's name is part of the metadata store's schema. KubeflowV2DagRunner wants `<module>.<Class>` with one dot, and
imports the class by it: `pipeline/__init__.py` makes the classes here reachable so.
"""

from tfx.types import artifact


class DataBlessing(artifact.Artifact):
    """DataGate's word that a run's data may be trained on; `gate.json` inside lists what was looked at."""

    TYPE_NAME = "pipeline.DataBlessing"


class RunReport(artifact.Artifact):
    """A page for people: what a run read, learned, measured and decided."""

    TYPE_NAME = "pipeline.RunReport"
