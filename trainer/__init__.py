"""What is learned: the two towers, the loss, the input pipeline, and the `run_fn` that TwoTowerTrainer calls."""

import os

# TensorFlow Recommenders needs Keras 2, and TensorFlow decides which Keras it is when it is first used.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
