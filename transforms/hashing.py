"""The hash of an id, by which users are put in order and cut to a number: the same wherever they are measured."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

ID_HASHES = 2**63 - 1
"""Hashes are from 0 and below this, which is what an int64 holds."""


def id_hashes(ids: Any) -> npt.NDArray[np.int64]:
    """FarmHash of ids, int64 `[n]`; the same in every process and on every machine.

    Args:
        ids: Strings `[n]`, a Tensor or an array of bytes or text.
    """
    hashes: npt.NDArray[np.int64] = tf.strings.to_hash_bucket_fast(ids, ID_HASHES).numpy()
    return hashes
