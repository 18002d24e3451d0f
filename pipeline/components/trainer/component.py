"""Trainer trains a model of any kind on interactions and a catalogue, each through its own channel.

It is not a subclass of TFX's Trainer: that constructor builds TrainerSpec itself, so no channel can be added to it.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tfx.dsl.components.base import executor_spec
from tfx.proto import trainer_pb2
from tfx.types import standard_component_specs

from configs.content_features import ContentFeatures
from configs.models import AnyModel
from configs.serving import Serving
from documents.provenance import MadeBy
from pipeline.components.trainer import executor
from pipeline.ground.code_digest import code_digest
from pipeline.ground.node import Node
from trainer.fitting import modules_of
from trainer.settings import CandidateSettings, TrainerSettings

RUN_FN = "trainer.run_fn.run_fn"
"""Dotted path of the function that trains."""

_CODE = executor.__name__, RUN_FN.rpartition(".")[0]
"""What every training runs. It leaves out the code that starts a CustomJob: the job runs the same executor."""


def settings_of(
    *,
    trainer: AnyModel,
    compared: Mapping[str, AnyModel] | None = None,
    candidate: str | None = None,
    serving: Serving,
    features: ContentFeatures,
    pipeline_name: str,
    config_digest: str,
) -> TrainerSettings:
    """Everything that a training gets besides artifacts, with the provenance of its models.

    Args:
        trainer: The model and its training.
        compared: The models of the config's comparison, by name: one of them may be trained in place of `trainer`.
        candidate: The name of the candidate that `trainer` is, in a comparison. None: it is trained alone, unless
            the base model won a comparison: then that candidate is trained.
        serving: The signatures of the exported model.
        features: The content features of the catalogue, by name; empty for a catalogue of ids only.
        pipeline_name: The pipeline's name.
        config_digest: The digest of the config without its models.
    """

    def made_by(model: AnyModel) -> MadeBy:
        settings = hashlib.sha256(f"{config_digest} {model.model_dump_json()}".encode()).hexdigest()
        digest = code_digest(*_CODE, *modules_of(model))
        return MadeBy(pipeline=pipeline_name, config_digest=settings, code_digest=digest)

    return TrainerSettings(
        trainer=trainer,
        candidates={
            name: CandidateSettings(trainer=model, made_by=made_by(model)) for name, model in (compared or {}).items()
        },
        candidate=candidate,
        is_compared=candidate is not None,
        serving=serving,
        features=features,
        made_by=made_by(trainer),
    )


class Trainer(Node):
    """Trains with `run_fn`.

    Component `outputs` contains:
     - `model`: Channel of type `standard_artifacts.Model`: the SavedModel; beside it, the files that a later run needs
       to start from it, and the blessing of its data.
     - `model_run`: Channel of type `standard_artifacts.ModelRun`: TensorBoard logs, `metrics.json` and
       `warm_start.json`.
    """

    EXECUTOR = executor.Executor
    TYPE_ANNOTATION = standard_component_specs.TrainerSpec.TYPE_ANNOTATION

    def __init__(
        self, *, settings: TrainerSettings, training_job: Mapping[str, Any] | None = None, **channels: Any
    ) -> None:
        """Declares the trainer.

        Args:
            settings: What is trained; see `settings_of`.
            training_job: The Vertex CustomJob to train in, as `pipeline.cloud.training` describes it. None: training
                runs in the component's own process.
            **channels: Inputs of `executor.Inputs`.
        """
        models = (settings.trainer, *(candidate.trainer for candidate in settings.candidates.values()))
        kinds = sorted({module for model in models for module in modules_of(model)})
        custom_config = settings.pack()
        custom_executor_spec = None
        if training_job is not None:
            # Imported here because it imports google.cloud.aiplatform, which takes 8 seconds and is needed only here.
            from pipeline.components.trainer import custom_job

            custom_config |= custom_job.custom_config_of(training_job)
            custom_executor_spec = executor_spec.ExecutorClassSpec(custom_job.Executor)
        super().__init__(
            train_args=trainer_pb2.TrainArgs(),
            eval_args=trainer_pb2.EvalArgs(),
            run_fn=RUN_FN,
            custom_config=json.dumps(custom_config, sort_keys=True),
            code_digest=code_digest(*_CODE, *kinds),
            custom_executor_spec=custom_executor_spec,
            **channels,
        )
