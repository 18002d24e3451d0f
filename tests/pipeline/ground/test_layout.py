"""The names of files that TFX's components write."""

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
from tfx.components.example_validator import executor as example_validator
from tfx.components.statistics_gen import executor as statistics_gen

from pipeline.ground.layout import ANOMALIES_FILE, STATISTICS_FILE


def test_file_names_are_those_of_tfxs_components() -> None:
    assert statistics_gen.DEFAULT_FILE_NAME == STATISTICS_FILE
    assert example_validator.DEFAULT_FILE_NAME == ANOMALIES_FILE
