"""The inputs that training and tuning have in common, and the files of Examples."""

from dataclasses import dataclass

from tfx import types
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils

from pipeline.ground.artifacts import DataBlessing


@dataclass(frozen=True)
class TrainingInputs:
    """Interactions and a catalogue, both transformed, and what a tuner has found."""

    examples: standard_artifacts.Examples
    """Transformed interaction Examples with the splits `train` and `eval`."""

    transform_graph: standard_artifacts.TransformGraph
    candidates: standard_artifacts.Examples
    """Transformed catalogue Examples, one per item."""

    candidates_transform_graph: standard_artifacts.TransformGraph
    data_blessing: DataBlessing
    """Nothing is learned from data that DataGate refuses."""

    hyperparameters: standard_artifacts.HyperParameters | None
    """Settings that a tuner has found."""


def file_patterns(examples: types.Artifact, *splits: str) -> list[str]:
    """Returns globs of the files of some splits.

    Args:
        examples: An artifact of Examples.
        *splits: The splits; all that it has if none is named.
    """
    named = splits or artifact_utils.decode_split_names(examples.split_names)
    uris = [uri for split in named for uri in artifact_utils.get_split_uris([examples], split)]
    return [io_utils.all_files_pattern(uri) for uri in uris]
