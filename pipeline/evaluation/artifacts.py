"""Finds in artifacts what is evaluated: models, what ServingCheck said of them, and the files of a split."""

from tfx import types
from tfx.components.util import model_utils
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from documents.serving_check import ServingCheckReport
from pipeline.evaluation.contest import Contender


def contender_of(artifact: types.Artifact) -> Contender:
    """The model of an artifact, not yet loaded."""
    folder = path_utils.serving_model_path(artifact.uri, path_utils.is_old_model_artifact(artifact))
    return Contender(artifact.uri, folder)


def serving_failures(blessing: types.Artifact) -> tuple[str, ...] | None:
    """Returns why ServingCheck refused the model; None if it blessed it."""
    if model_utils.is_infra_validated(blessing):
        return None
    return ServingCheckReport.read(blessing.uri).failures


def files_of(examples: types.Artifact, split: str) -> tuple[str, ...]:
    """Lists the split's files, in the order of their names."""
    patterns = [io_utils.all_files_pattern(uri) for uri in artifact_utils.get_split_uris([examples], split)]
    return tuple(sorted(file for pattern in patterns for file in fileio.glob(pattern)))
