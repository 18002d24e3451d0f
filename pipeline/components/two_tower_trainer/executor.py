"""TwoTowerTrainer's executor: TFX's generic one, with the catalogue's artifacts in what `run_fn` is given."""

from typing import Any

import attr
from tfx import types
from tfx.components.trainer import executor as trainer_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from trainer.fn_args import TwoTowerFnArgs

CANDIDATES_KEY = "candidates"
CANDIDATES_TRANSFORM_GRAPH_KEY = "candidates_transform_graph"
DATA_BLESSING_KEY = "data_blessing"
CODE_DIGEST_KEY = "code_digest"


class Executor(trainer_executor.GenericExecutor):
    """Calls `run_fn` with `TwoTowerFnArgs`."""

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
