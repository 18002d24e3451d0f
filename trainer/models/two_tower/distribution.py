"""Chooses where training computes: on one device, or mirrored over several.

If training is mirrored, every device holds the whole model, takes its part of a batch's queries and scores them against
the candidates of the whole batch; the gradients are summed. So the negatives, the loss and the steps are those of one
device, except for the order in which floats are added. The batch size stays what the config says.
"""

import functools
from typing import Any

import tensorflow as tf


@functools.cache
def find_strategy() -> Any:
    """The `tf.distribute.Strategy` for this machine: mirrored over its GPUs if it has several, else the default one.

    Without GPUs it counts logical CPU devices. There is one of them, unless TensorFlow is configured otherwise.
    All trainings of a process share it: a second mirrored strategy would number its exchanges from the start again, and
    TensorFlow refuses a known number with another shape ("Shape mismatch in the collective instance").
    """
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy([device.name for device in devices])
