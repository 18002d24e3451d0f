"""What every package may import and is no config: errors, and how a file is written whole or not at all."""

import os

# TensorFlow Recommenders needs Keras 2, and TensorFlow reads this once, when it is first imported. Every package
# imports this one, so it stands here; images set it too, because there TFX is imported before us.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
