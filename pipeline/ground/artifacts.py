"""Our own artifact types.

A type's name is part of the metadata store's schema. KubeflowV2DagRunner wants `<module>.<Class>` with one dot, and
imports the class by that name: `pipeline/__init__.py` makes the classes of this module reachable in this way.
"""

from tfx.types import artifact


class DataBlessing(artifact.Artifact):
    """DataGate's decision that a model may be trained on a run's data; `gate.json` inside lists its checks."""

    TYPE_NAME = "pipeline.DataBlessing"


class RetrainingDecision(artifact.Artifact):
    """RetrainingCheck's decision whether a run trains; `retraining.json` inside has the reasons."""

    TYPE_NAME = "pipeline.RetrainingDecision"


class RunReportPage(artifact.Artifact):
    """A page for people: what a run read, learned, measured and decided.

    Its type is KFP's `HTML`, which Vertex AI opens in its user interface: the artifact's URI is the page itself.
    """

    TYPE_NAME = "system.HTML"


class EvaluationMetrics(artifact.Artifact):
    """An evaluation's metrics as custom properties; there is no file.

    Its type is KFP's `Metrics`, whose numbers Vertex AI and Kubeflow Pipelines show and compare between runs.
    """

    TYPE_NAME = "system.Metrics"


def register() -> None:
    """Registers with TFX the classes that the `system.*` names stand for.

    On Vertex, TFX imports a type of ours by its name, and there is no module `system`
    (https://github.com/tensorflow/tfx/issues/5640 asks for such types). `pipeline.__getattr__` calls this when TFX
    imports `pipeline.DataBlessing`. That is early enough: TFX parses inputs first, and each component that writes a
    `system.*` type has a DataBlessing among its inputs.
    """
    from tfx.orchestration.kubeflow.v2 import compiler_utils  # loads kfp, which tasks on this machine do not need

    for kind in (RunReportPage, EvaluationMetrics):
        compiler_utils.TITLE_TO_CLASS_PATH[kind.TYPE_NAME] = f"{kind.__module__}.{kind.__qualname__}"
