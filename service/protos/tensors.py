"""Converts arrays to TensorProto and back, as TensorFlow does, for the types that signatures of Perennial use.

Numbers are sent as `tensor_content`, one copy of the array's memory. TensorFlow Serving answers with a value per field
entry (`float_val` and its like) unless its server is told otherwise, so both forms are read.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

DT_FLOAT, DT_INT32, DT_STRING, DT_INT64, DT_BOOL = 1, 3, 7, 9, 10
"""tensorflow/core/framework/types.proto."""

_NUMBERS: dict[int, tuple[np.dtype[Any], str]] = {
    DT_FLOAT: (np.dtype("<f4"), "float_val"),
    DT_INT32: (np.dtype("<i4"), "int_val"),
    DT_INT64: (np.dtype("<i8"), "int64_val"),
    DT_BOOL: (np.dtype("?"), "bool_val"),
}
"""Type to its bytes in `tensor_content`, little-endian, and the field of single values."""

_TYPES = {dtype: number for number, (dtype, _) in _NUMBERS.items()}


def write_tensor(array: npt.NDArray[Any], proto: Any) -> None:
    """Writes an array into an empty TensorProto.

    Args:
        array: Of float32, int32, int64, bool, or an object array of bytes.
        proto: The message.

    Raises:
        TypeError: The array is of another type, or holds other objects. The message holds no values.
    """
    dtype = array.dtype
    if dtype.hasobject:
        proto.dtype = DT_STRING
        try:
            proto.string_val.extend(array.ravel().tolist())
        except TypeError:  # whose message holds the value
            raise TypeError("a tensor of strings cannot be sent: its values must be bytes") from None
    else:
        number = _TYPES.get(dtype)
        if number is None:
            raise TypeError(f"a tensor of {dtype} cannot be sent: convert it to float32, int32, int64, bool or bytes")
        proto.dtype = number
        proto.tensor_content = array.tobytes()
    dim = proto.tensor_shape.dim
    for size in array.shape:
        dim.add(size=size)


def read_tensor(proto: Any) -> npt.NDArray[Any]:
    """Reads a TensorProto.

    Args:
        proto: The message.

    Returns:
        The array. Its memory may be the message's, and then it is read-only.

    Raises:
        ValueError: The message is of another type, or its values do not fit its shape.
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if min(shape, default=0) < 0 or proto.tensor_shape.unknown_rank:
        raise ValueError(f"a tensor's shape must be known; received {shape}")
    values: npt.NDArray[Any]
    if proto.dtype == DT_STRING:
        values = np.empty(len(proto.string_val), object)
        values[:] = proto.string_val
    elif proto.dtype in _NUMBERS:
        dtype, field = _NUMBERS[proto.dtype]
        content = proto.tensor_content
        if len(content) % dtype.itemsize:
            raise ValueError(f"{len(content)} bytes are no whole number of {dtype}")
        values = np.frombuffer(content, dtype) if content else np.array(getattr(proto, field), dtype)
    else:
        raise ValueError(f"a tensor of type {proto.dtype} of types.proto cannot be read")
    if values.size != math.prod(shape):
        raise ValueError(f"{values.size} values are no tensor of shape {shape}")
    return values.reshape(shape)
