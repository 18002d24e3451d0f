"""Defines the Trainer's settings, which travel in TFX's `custom_config`: plain values, never an artifact or a path.

The component packs them into the job, and `run_fn` unpacks them. A job may be older than the code that runs it, so
whatever does not fit is an error: a setting that is passed over in silence would train another model.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from common.errors import TrainingError
from configs.base import Settings
from configs.content_features import ContentFeatures
from configs.models import AnyModel
from configs.serving import Serving
from documents.provenance import MadeBy

_ECHO_CHARACTERS = 80
"""Longest part of a value that a message repeats."""


class CandidateSettings(Settings):
    """What differs between the candidates of a comparison."""

    trainer: AnyModel
    """The model and its training."""

    made_by: MadeBy
    """What goes into its provenance: the digests leave out what the other candidates alone depend on."""


class TrainerSettings(Settings):
    """Everything that the Trainer gets besides artifacts. What a job cannot lack has no default."""

    trainer: AnyModel
    """The model and its training."""

    candidates: dict[str, CandidateSettings] = {}
    """The models of the config's comparison, by name: the last blessed model's is trained in place of `trainer`, if it
    was one of them. Empty without a comparison."""

    candidate: str | None = None
    """The name of the candidate that `trainer` is; None: it is none."""

    is_compared: bool = False
    """Whether the model is measured on targets that are held out of the training interactions, even if it has nothing
    to choose by them."""

    serving: Serving
    """The signatures of the exported model."""

    features: ContentFeatures
    """The content features of the catalogue's transform graph, by name; empty for a catalogue of ids only."""

    made_by: MadeBy
    """What goes into the model's provenance."""

    def following(self, champion: str | None) -> "TrainerSettings":
        """The settings with the model that won the last comparison, if it is a candidate still.

        Args:
            champion: The name of the last blessed model in the comparison that it won; None if there was none.
        """
        if self.candidate is not None or champion is None or champion not in self.candidates:
            return self
        return self.model_copy(update={**dict(self.candidates[champion]), "candidate": champion})

    def pack(self) -> dict[str, Any]:
        """Returns the settings as the JSON values of `custom_config`."""
        return self.model_dump(mode="json")

    @classmethod
    def unpack(cls, custom_config: Mapping[str, Any] | None) -> "TrainerSettings":
        """Reads what `pack` packed.

        Args:
            custom_config: As in `FnArgs.custom_config`; None if the job has none.

        Returns:
            The settings.

        Raises:
            TrainingError: A section is missing, or a setting is unknown or has a value that does not fit.
        """
        try:
            return cls.model_validate(custom_config or {})
        except ValidationError as e:
            faults = [_describe(fault) for fault in e.errors(include_url=False)]
            raise TrainingError(
                f"The Trainer's custom_config does not fit the code that trains: {'; '.join(faults)}. Another version "
                "of Perennial has compiled the job: compile it again with the version of its image."
            ) from e


def _describe(fault: Mapping[str, Any]) -> str:
    """Names a setting, what is wrong with it, and the value."""
    setting = ".".join(map(str, fault["loc"])) or "(all of it)"
    if fault["type"] == "missing":
        return f"{setting} is missing, received {', '.join(map(repr, fault['input'])) or 'nothing'}"
    wrong = "no such setting" if fault["type"] == "extra_forbidden" else fault["msg"]
    value = repr(fault["input"])
    return f"{setting}: {wrong}, received {value if len(value) <= _ECHO_CHARACTERS else f'{value[:_ECHO_CHARACTERS]}…'}"
