"""Marks a model as absent: a task must write one artifact for each output, even if it found no model."""

from collections.abc import Mapping

from tfx import types

_ABSENT = "absent"
"""Custom property of an artifact that stands for a missing model."""


def mark_absent(model: types.Artifact) -> None:
    """Marks an output artifact: there is no model."""
    model.set_int_custom_property(_ABSENT, 1)


def present(input_dict: Mapping[str, list[types.Artifact]]) -> dict[str, list[types.Artifact]]:
    """Removes the input artifacts that are marked as absent, as if a Resolver had found nothing.

    Args:
        input_dict: As TFX passes it to an executor.
    """
    return {
        key: [artifact for artifact in artifacts if not artifact.get_int_custom_property(_ABSENT)]
        for key, artifacts in input_dict.items()
    }
