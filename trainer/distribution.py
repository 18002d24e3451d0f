"""Where training computes: on the one device there is, or mirrored over several.

Mirrored, every device holds all of the model, takes its share of a batch's queries and scores them against the
candidates of the whole batch; the gradients are summed. So the negatives, the loss and the steps are those of one
device, but for the order in which floats are added, and the batch size stays what the config says.
"""

from typing import Any

import tensorflow as tf


def find_strategy() -> Any:
    """The `tf.distribute.Strategy` for this machine: mirrored over its GPUs if it has several, else the default one.

    Without GPUs the same holds for logical CPU devices, of which there is one unless TensorFlow was told otherwise.
    """
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy([device.name for device in devices])
