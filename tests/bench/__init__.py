"""Compares Perennial with TFX's stock components, on the same rows, in one run (`make bench`)."""

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported
