"""The signatures of a model, one module each, and the export that writes them."""

import os

# TensorFlow Transform's layer needs Keras 2, and TensorFlow chooses its Keras version when Keras is first used.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
