"""TwoTowerTrainer's executor: TFX's generic one, with the catalogue's artifacts in what `run_fn` is given."""

import os
import uuid
from typing import Any

import attr
from tfx import types
from tfx.components.trainer import executor as trainer_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils

from pipeline.ground.presence import present
from trainer.fn_args import TwoTowerFnArgs

CANDIDATES_KEY = "candidates"
CANDIDATES_TRANSFORM_GRAPH_KEY = "candidates_transform_graph"
DATA_BLESSING_KEY = "data_blessing"
CODE_DIGEST_KEY = "code_digest"

DATA_FOLDER = "data_blessing"
"""In the model artifact, beside the SavedModel: DataGate's blessing of the data that the model learned from, with which
DataGate compares a later run's, once the model is blessed."""


class Executor(trainer_executor.GenericExecutor):
    """Calls `run_fn` with `TwoTowerFnArgs`, and keeps the word on the data with the model."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains.

        Args:
            input_dict: As TFX's Trainer, its `base_model` among them, which may be empty; and `candidates`,
                `candidates_transform_graph` and `data_blessing`.
            output_dict: `model` and `model_run`.
            exec_properties: As TFX's Trainer.

        Raises:
            TrainingError: As `run_fn`.
        """
        super().Do(present(input_dict), output_dict, exec_properties)
        blessing = artifact_utils.get_single_uri(input_dict[DATA_BLESSING_KEY])
        folder = os.path.join(
            artifact_utils.get_single_uri(output_dict[standard_component_specs.MODEL_KEY]), DATA_FOLDER
        )
        unfinished = f"{folder}.{uuid.uuid4().hex}.tmp"
        io_utils.copy_dir(blessing, unfinished)
        fileio.rename(unfinished, folder, overwrite=True)

    def _GetFnArgs(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> TwoTowerFnArgs:
        common = super()._GetFnArgs(input_dict, output_dict, exec_properties)
        candidates = input_dict[CANDIDATES_KEY]
        splits = artifact_utils.decode_split_names(artifact_utils.get_single_instance(candidates).split_names)
        return TwoTowerFnArgs(
            **attr.asdict(common, recurse=False),
            candidates_files=[
                io_utils.all_files_pattern(uri)
                for split in splits
                for uri in artifact_utils.get_split_uris(candidates, split)
            ],
            candidates_transform_graph_path=artifact_utils.get_single_uri(input_dict[CANDIDATES_TRANSFORM_GRAPH_KEY]),
        )
