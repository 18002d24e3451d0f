"""RetrievalEvaluator measures a model through its served signatures, beside baselines, and blesses it or does not."""

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from configs.evaluation import Evaluation, Gate
from pipeline.components.retrieval_evaluator import executor
from pipeline.ground import artifacts


class RetrievalEvaluatorSpec(component_spec.ComponentSpec):
    """EvaluatorSpec's channels, with settings of ours."""

    PARAMETERS = {
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        executor.GATE_KEY: component_spec.ExecutionParameter(type=str),
        executor.WEIGHTED_KEY: component_spec.ExecutionParameter(type=int),
        executor.CODE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
        standard_component_specs.INFRA_BLESSING_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.InfraBlessing
        ),
        # Not looked at, and not optional: its type makes Vertex find that of the metrics, see `ground.artifacts`.
        "data_blessing": component_spec.ChannelParameter(type=artifacts.DataBlessing),
        standard_component_specs.BASELINE_MODEL_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Model, optional=True
        ),
    }
    OUTPUTS = {
        **standard_component_specs.EvaluatorSpec.OUTPUTS,
        executor.METRICS_KEY: component_spec.ChannelParameter(type=artifacts.EvaluationMetrics),
    }
    TYPE_ANNOTATION = standard_component_specs.EvaluatorSpec.TYPE_ANNOTATION


class RetrievalEvaluator(base_beam_component.BaseBeamComponent):
    """Scores an exported model, popularity, item-item cosine and the last blessed model on the same users.

    Component `outputs` contains:
     - `evaluation`: Channel of type `standard_artifacts.ModelEvaluation`, with `evaluation.json`; the metrics are also
       its custom properties, `ndcg@10` as `ndcg_at_10`.
     - `blessing`: Channel of type `standard_artifacts.ModelBlessing`.
     - `metrics`: Channel of type `ground.artifacts.EvaluationMetrics`: all contenders' metrics and the verdict, for
       user interfaces.
    """

    SPEC_CLASS = RetrievalEvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        data_blessing: types.BaseChannel,
        settings: Evaluation,
        gate: Gate,
        weighted: bool,
        code_digest: str,
        baseline_model: types.BaseChannel | None = None,
    ) -> None:
        """Declares the evaluator.

        Args:
            examples: Raw interaction Examples with the splits `train` and `eval`.
            model: The model to bless.
            infra_blessing: ServingCheck's word on it: a model that cannot be served is not blessed.
            data_blessing: DataGate's word on what the model learned from.
            settings: How it is measured.
            gate: What it must reach.
            weighted: Whether the log's values are event weights, which then weigh histories.
            code_digest: Digest of the executor's code, for the cache key.
            baseline_model: The last blessed model; the channel may be empty.

        Raises:
            ConfigError: The gate asks for what is not measured.
        """
        gate.require_measured(settings)
        super().__init__(
            spec=RetrievalEvaluatorSpec(
                examples=examples,
                model=model,
                infra_blessing=infra_blessing,
                data_blessing=data_blessing,
                baseline_model=baseline_model,
                settings=settings.model_dump_json(),
                gate=gate.model_dump_json(),
                weighted=int(weighted),
                code_digest=code_digest,
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
                metrics=types.Channel(type=artifacts.EvaluationMetrics),
            )
        )
