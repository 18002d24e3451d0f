"""The typed configuration of a pipeline, its YAML files, and the errors every room raises."""

import os

# TensorFlow Recommenders needs Keras 2, and TensorFlow reads this once, when it is first imported. Every room imports
# this one, so it stands here; images set it too, because there TFX is imported before us.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
