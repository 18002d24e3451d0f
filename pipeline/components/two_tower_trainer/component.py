"""TwoTowerTrainer trains the two-tower model on interactions and a catalogue, each through its own channel.

It is not a subclass of TFX's Trainer, whose constructor builds TrainerSpec itself and so has no room for channels.
"""

import json
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import trainer_pb2
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from pipeline.components.two_tower_trainer import custom_job, executor
from pipeline.ground.artifacts import DataBlessing


class TwoTowerTrainerSpec(component_spec.ComponentSpec):
    """TrainerSpec with the catalogue's channels and the gate's word."""

    PARAMETERS = {
        **standard_component_specs.TrainerSpec.PARAMETERS,
        executor.CODE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        **standard_component_specs.TrainerSpec.INPUTS,
        executor.CANDIDATES_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.CANDIDATES_TRANSFORM_GRAPH_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.TransformGraph
        ),
        executor.DATA_BLESSING_KEY: component_spec.ChannelParameter(type=DataBlessing),
    }
    OUTPUTS = standard_component_specs.TrainerSpec.OUTPUTS
    TYPE_ANNOTATION = standard_component_specs.TrainerSpec.TYPE_ANNOTATION


class TwoTowerTrainer(base_component.BaseComponent):
    """Trains with a `run_fn` named by dotted path.

    Component `outputs` contains:
     - `model`: Channel of type `standard_artifacts.Model`: the SavedModel; beside it what a later run needs to start
       from it, and the blessing of its data.
     - `model_run`: Channel of type `standard_artifacts.ModelRun`: TensorBoard logs, `metrics.json` and
       `warm_start.json`.
    """

    SPEC_CLASS = TwoTowerTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        candidates: types.BaseChannel,
        candidates_transform_graph: types.BaseChannel,
        data_blessing: types.BaseChannel,
        run_fn: str,
        custom_config: Mapping[str, Any],
        code_digest: str,
        base_model: types.BaseChannel | None = None,
        training_job: Mapping[str, Any] | None = None,
    ) -> None:
        """Declares the trainer.

        Args:
            examples: Transformed interaction Examples with the splits `train` and `eval`.
            transform_graph: The graph that made them.
            candidates: Transformed catalogue Examples, one per item.
            candidates_transform_graph: The graph that made them.
            data_blessing: DataGate's word.
            run_fn: Dotted path of the function that trains, such as `trainer.run_fn.run_fn`.
            custom_config: Hyperparameters for it, as JSON values. Never a path, a URI or a channel.
            code_digest: Digest of the code behind `run_fn`, for the cache key.
            base_model: The model to start from, or to hand on where nothing has changed; its channel may be empty.
            training_job: The Vertex CustomJob to train in, as `pipeline.cloud.training` describes it. None: training
                runs in the component's own process.
        """
        if training_job is not None:
            custom_config = {**custom_config, **custom_job.custom_config_of(training_job)}
        super().__init__(
            spec=TwoTowerTrainerSpec(
                examples=examples,
                transform_graph=transform_graph,
                candidates=candidates,
                candidates_transform_graph=candidates_transform_graph,
                data_blessing=data_blessing,
                base_model=base_model,
                train_args=trainer_pb2.TrainArgs(),
                eval_args=trainer_pb2.EvalArgs(),
                run_fn=run_fn,
                custom_config=json.dumps(custom_config, sort_keys=True),
                code_digest=code_digest,
                model=types.Channel(type=standard_artifacts.Model),
                model_run=types.Channel(type=standard_artifacts.ModelRun),
            ),
            custom_executor_spec=(
                executor_spec.ExecutorClassSpec(custom_job.Executor) if training_job is not None else None
            ),
        )
