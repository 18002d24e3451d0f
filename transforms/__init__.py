"""Defines the data: the names of all features, in one module, and the two preprocessing functions."""

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported
