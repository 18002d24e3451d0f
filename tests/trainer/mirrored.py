"""Trains the shop on several logical CPU devices, in a new process: a process cannot change its devices later.

python -m tests.trainer.mirrored DEVICES FN_ARGS.json
"""

import json
import logging
import sys
from pathlib import Path

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import tensorflow as tf

from trainer.fn_args import FnArgs
from trainer.run_fn import run_fn


def main(devices: int, fn_args: Path) -> None:
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
    run_fn(FnArgs(**json.loads(fn_args.read_text())))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, force=True)  # TensorFlow has configured the root logger
    main(int(sys.argv[1]), Path(sys.argv[2]))
