"""Artifact types of our own.

A type's name is part of the metadata store's schema. KubeflowV2DagRunner wants `<module>.<Class>` with one dot, and
imports the class by it: `pipeline/__init__.py` makes the classes here reachable so.
"""

from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.types import artifact


class DataBlessing(artifact.Artifact):
    """DataGate's word that a run's data may be trained on; `gate.json` inside lists what was looked at."""

    TYPE_NAME = "pipeline.DataBlessing"


class RunReport(artifact.Artifact):
    """A page for people: what a run read, learned, measured and decided.

    Its type is KFP's `HTML`, which Vertex AI opens in its user interface: the artifact's URI is the page itself.
    """

    TYPE_NAME = "system.HTML"


# On Vertex, TFX imports a type of ours by its name, and there is no module `system`
# (https://github.com/tensorflow/tfx/issues/5640 asks for such types). This module is imported before a RunReport is
# parsed: inputs are parsed first, and RunReport's component has a DataBlessing among them.
compiler_utils.TITLE_TO_CLASS_PATH[RunReport.TYPE_NAME] = f"{RunReport.__module__}.{RunReport.__qualname__}"
