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


class EvaluationMetrics(artifact.Artifact):
    """An evaluation's figures as custom properties; there is no file.

    Its type is KFP's `Metrics`, whose numbers Vertex AI and Kubeflow Pipelines show and compare over runs.
    """

    TYPE_NAME = "system.Metrics"


# On Vertex, TFX imports a type of ours by its name, and there is no module `system`
# (https://github.com/tensorflow/tfx/issues/5640 asks for such types). This module is imported before one of them is
# parsed: inputs are parsed first, and the components that write them have a DataBlessing among theirs.
for _type in (RunReport, EvaluationMetrics):
    compiler_utils.TITLE_TO_CLASS_PATH[_type.TYPE_NAME] = f"{_type.__module__}.{_type.__qualname__}"
