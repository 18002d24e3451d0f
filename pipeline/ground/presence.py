"""A model that is not there: a task must give out one artifact for each output, also where it found none."""

from collections.abc import Mapping

from tfx import types

_ABSENT = "absent"
"""Custom property of an artifact that stands for none."""


def mark_absent(model: types.Artifact) -> None:
    """Says of an output that there is no model."""
    model.set_int_custom_property(_ABSENT, 1)


def present(input_dict: Mapping[str, list[types.Artifact]]) -> dict[str, list[types.Artifact]]:
    """Inputs without those that stand for none, as if a Resolver had found nothing.

    Args:
        input_dict: As an executor gets it.
    """
    return {
        key: [artifact for artifact in artifacts if not artifact.get_int_custom_property(_ABSENT)]
        for key, artifacts in input_dict.items()
    }
