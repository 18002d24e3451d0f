"""Hashes ids, to sort users and cut them to a number; trainer and evaluator get the same order."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

ID_HASHES = 2**63 - 1
"""Hashes are at least 0 and below this, the largest int64."""


def id_hashes(ids: Any) -> npt.NDArray[np.int64]:
    """FarmHash of ids, int64 `[n]`; the same in every process and on every machine.

    Args:
        ids: Strings `[n]`, a Tensor or an array of bytes or text.
    """
    hashes: npt.NDArray[np.int64] = tf.strings.to_hash_bucket_fast(ids, ID_HASHES).numpy()
    return hashes
