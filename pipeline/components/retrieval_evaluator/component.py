"""RetrievalEvaluator measures a model through its served signatures, beside baselines, and blesses it or does not."""

from typing import Any

from tfx.types import standard_component_specs

from configs.evaluation import Evaluation, Gate
from pipeline.components.retrieval_evaluator.executor import Executor
from pipeline.ground.node import Node


class RetrievalEvaluator(Node):
    """Measures an exported model, popularity, item-item cosine and the last blessed model on the same users.

    Component `outputs` contains:
     - `evaluation`: Channel of type `standard_artifacts.ModelEvaluation`, with `evaluation.json`; the metrics are also
       its custom properties, `ndcg@10` as `ndcg_at_10`.
     - `blessing`: Channel of type `standard_artifacts.ModelBlessing`.
     - `metrics`: Channel of type `ground.artifacts.EvaluationMetrics`: all contenders' metrics and the decision, for
       user interfaces.
    """

    EXECUTOR = Executor
    TYPE_ANNOTATION = standard_component_specs.EvaluatorSpec.TYPE_ANNOTATION

    def __init__(self, *, settings: Evaluation, gate: Gate, **arguments: Any) -> None:
        """Declares the evaluator.

        Args:
            settings: How the model is measured.
            gate: What it must reach.
            **arguments: Channels and parameters of `executor.Inputs` and `executor.Parameters`.

        Raises:
            ConfigError: The gate checks a metric that is not measured.
        """
        gate.require_measured(settings)
        super().__init__(settings=settings, gate=gate, **arguments)
