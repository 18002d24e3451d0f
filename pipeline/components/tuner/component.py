"""Tuner searches the settings of the model. It gets what the Trainer gets, and is no TFX Tuner for the same reason."""

from typing import Any

from tfx.types import standard_component_specs

from configs.content_features import ContentFeatures
from configs.models import AnyModel
from configs.serving import Serving
from configs.tuner import Tuner as Limits
from documents.provenance import MadeBy
from pipeline.components.tuner import executor
from pipeline.ground.code_digest import code_digest
from pipeline.ground.node import Node
from trainer.fitting import modules_of
from trainer.settings import TrainerSettings


class Tuner(Node):
    """Searches within time limits, on targets that are held out of the training interactions.

    Component `outputs` contains:
     - `best_hyperparameters`: Channel of type `standard_artifacts.HyperParameters`: one file, which TFX's Trainer and
       `keras_tuner.HyperParameters.from_config` read.
     - `tuner_results`: Channel of type `standard_artifacts.TunerResults`: the complete trials as TFX's Tuner writes
       them, and `tuning.json`.
    """

    EXECUTOR = executor.Executor
    TYPE_ANNOTATION = standard_component_specs.TunerSpec.TYPE_ANNOTATION

    def __init__(
        self,
        *,
        trainer: AnyModel,
        serving: Serving,
        features: ContentFeatures,
        limits: Limits,
        pipeline_name: str,
        config_digest: str,
        work_dir: str | None = None,
        **channels: Any,
    ) -> None:
        """Declares the tuner.

        Args:
            trainer: The settings of the config, and with them the kind of the model.
            serving: The signatures of the exported model; what it leaves out of lists, the trials leave out.
            features: The content features of the catalogue, by name.
            limits: When the search ends, and how often there is one.
            pipeline_name: The pipeline's name.
            config_digest: The digest of the config without its models.
            work_dir: The folder of finished trials, from which an interrupted search goes on, and of a note that names
                the newest result; local or remote. None: there is no such folder.
            **channels: Those of `TrainingInputs`.
        """
        digest = code_digest(executor.__name__, *modules_of(trainer))
        made_by = MadeBy(pipeline=pipeline_name, config_digest=config_digest, code_digest=digest)
        super().__init__(
            trainer=TrainerSettings(
                trainer=trainer,
                serving=serving,
                features=features,
                made_by=made_by,
            ),
            limits=limits,
            work_dir=work_dir or "",
            code_digest=digest,
            **channels,
        )
