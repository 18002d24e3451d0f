"""TwoTowerTrainer trains the two-tower model on interactions and a catalogue, each through its own channel.

It is not a subclass of TFX's Trainer: that constructor builds TrainerSpec itself, so no channel can be added to it.
"""

import json
from collections.abc import Mapping
from typing import Any

from tfx.dsl.components.base import executor_spec
from tfx.proto import trainer_pb2
from tfx.types import standard_component_specs

from pipeline.components.two_tower_trainer import executor
from pipeline.ground.code_digest import code_digest
from pipeline.ground.node import Node


class TwoTowerTrainer(Node):
    """Trains with a `run_fn` named by dotted path.

    Component `outputs` contains:
     - `model`: Channel of type `standard_artifacts.Model`: the SavedModel; beside it, the files that a later run needs
       to start from it, and the blessing of its data.
     - `model_run`: Channel of type `standard_artifacts.ModelRun`: TensorBoard logs, `metrics.json` and
       `warm_start.json`.
    """

    EXECUTOR = executor.Executor
    TYPE_ANNOTATION = standard_component_specs.TrainerSpec.TYPE_ANNOTATION

    def __init__(
        self,
        *,
        run_fn: str,
        custom_config: Mapping[str, Any],
        training_job: Mapping[str, Any] | None = None,
        **channels: Any,
    ) -> None:
        """Declares the trainer.

        Args:
            run_fn: Dotted path of the function that trains, such as `trainer.run_fn.run_fn`.
            custom_config: Hyperparameters for that function, as JSON values; the digest of the code is added to its
                `provenance`. It must hold no path, URI or channel.
            training_job: The Vertex CustomJob to train in, as `pipeline.cloud.training` describes it. None: training
                runs in the component's own process.
            **channels: Inputs of `executor.Inputs`.
        """
        # The digest does not cover the code that starts a CustomJob: the job runs the same executor.
        digest = code_digest(executor.__name__, run_fn.rpartition(".")[0])
        config = {**custom_config, "provenance": {**custom_config["provenance"], "code_digest": digest}}
        custom_executor_spec = None
        if training_job is not None:
            # Imported here because it imports google.cloud.aiplatform, which takes 8 seconds and is needed only here.
            from pipeline.components.two_tower_trainer import custom_job

            config |= custom_job.custom_config_of(training_job)
            custom_executor_spec = executor_spec.ExecutorClassSpec(custom_job.Executor)
        super().__init__(
            train_args=trainer_pb2.TrainArgs(),
            eval_args=trainer_pb2.EvalArgs(),
            run_fn=run_fn,
            custom_config=json.dumps(config, sort_keys=True),
            code_digest=digest,
            custom_executor_spec=custom_executor_spec,
            **channels,
        )
