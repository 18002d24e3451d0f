"""How a model is asked: one module per signature, and the export that assembles them."""

import os

# TensorFlow Transform's layer needs Keras 2, and TensorFlow decides which Keras it is when it is first used.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
