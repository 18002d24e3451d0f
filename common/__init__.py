"""Code that every package may import: the errors, and the functions that write a file whole or not at all."""

import os

# TensorFlow Recommenders needs Keras 2, and TensorFlow reads this variable once, when it is first imported. It is set
# here, and every package that needs TensorFlow imports this one first. Images set it too, because TFX is imported
# before us there.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
