"""Training: the two towers, the loss, the input pipeline, and the `run_fn` that Trainer calls."""

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported
