"""The pipeline: its DAG, its components, the runners, and the command line."""

import os
import warnings
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# The terminal shows what the pipeline does, without the log lines of TensorFlow's C++ and Google's libraries at import.
# TensorFlow's own errors reach Python as exceptions; set the variable to see the rest.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.")

_ARTIFACT_TYPES = frozenset({"DataBlessing", "RetrainingDecision"})


def __getattr__(name: str) -> Any:
    """Finds our artifact types as `pipeline.<Type>`.

    On Vertex, TFX imports a type by its name in the metadata store, which may have only one dot. The types are not
    imported at the top of this module, because every command would then wait the seconds that TFX takes to import.
    """
    if name not in _ARTIFACT_TYPES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipeline.ground import artifacts

    artifacts.register()
    return getattr(artifacts, name)
