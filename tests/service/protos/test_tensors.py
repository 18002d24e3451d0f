"""Arrays as tensors, against TensorFlow's own two functions."""

from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from service.protos.messages import TensorProto
from service.protos.tensors import read_tensor, write_tensor

ARRAYS = [
    np.array([[1.5, -0.0], [np.nan, np.inf]], np.float32),
    np.array([2**31 - 1, -(2**31)], np.int32),
    np.array([[2**63 - 1], [-(2**63)]], np.int64),
    np.array([True, False, True]),
    np.array([[b"", b"\xff\x00"], ["é".encode(), b"x" * 1000]], object),
    np.zeros([0], np.int64),
    np.zeros([2, 0], np.float32),
    np.empty([3, 0], object),
    np.arange(12, dtype=np.float32).reshape(3, 4).T,
    np.array(7, np.int32),
]


def written(array: Any) -> Any:
    proto = TensorProto()
    write_tensor(array, proto)
    return proto


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{list(array.shape)}")
def test_write_tensor_is_read_by_tensorflow(array: Any) -> None:
    official = tensor_pb2.TensorProto.FromString(written(array).SerializeToString())
    read = tf.make_ndarray(official)
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{list(array.shape)}")
def test_read_tensor_reads_what_tensorflow_writes(array: Any) -> None:
    official = tf.make_tensor_proto(array)
    read = read_tensor(TensorProto.FromString(official.SerializeToString()))
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{list(array.shape)}")
def test_read_tensor_reads_single_values_as_tensorflow_serving_sends_them(array: Any) -> None:
    official = tf.make_tensor_proto(array)
    proto = TensorProto(dtype=official.dtype)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    field = {"f": "float_val", "i": "int_val", "b": "bool_val", "O": "string_val"}[array.dtype.kind]
    field = "int64_val" if array.dtype == np.int64 else field
    getattr(proto, field).extend(array.ravel().tolist())
    read = read_tensor(proto)
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


def test_write_tensor_of_another_type_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="float64"):
        written(np.zeros(2))


def test_write_tensor_of_text_is_refused_without_its_values() -> None:
    with pytest.raises(TypeError, match="must be bytes") as refused:
        written(np.array(["u-secret"], object))
    assert "secret" not in str(refused.value)


def _shaped(dtype: int, shape: list[int], **values: Any) -> Any:
    proto = TensorProto(dtype=dtype, **values)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (_shaped(1, [3], float_val=[1, 2]), "2 values are no tensor of shape"),
        (_shaped(1, [10**12], float_val=[1]), "1 values are no tensor of shape"),
        (_shaped(1, [1], tensor_content=b"abc"), "no whole number"),
        (_shaped(1, [-1], float_val=[1]), "must be known"),
        (_shaped(2, [1], double_val=[1]), "type 2"),
        (_shaped(7, [2], string_val=[b"a"]), "1 values"),
    ],
)
def test_read_tensor_that_does_not_fit_is_refused(proto: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_tensor(proto)
