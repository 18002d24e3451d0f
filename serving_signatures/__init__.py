"""The signatures of a model, one module each, and the export that writes them."""

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported
