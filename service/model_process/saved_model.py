"""Loads a SavedModel and runs its signatures in a session, as TensorFlow Serving does.

A session takes and gives NumPy arrays. It needs a third of the CPU time that the functions of `tf.saved_model.load`
need for one call, which make a tensor object of each input and look up its trace.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from common.errors import ModelError
from service.model_process.servicer import SignatureError

Tensor = npt.NDArray[Any]

_CALLERS_THREAD = -1
"""`inter_op_thread_pool` of RunOptions: operations run in the thread that asks, which no other has to wake."""

_PREDICT_METHOD = tf.saved_model.PREDICT_METHOD_NAME


class SavedModel:
    """A loaded SavedModel. Safe to run from several threads.

    Args:
        folder: Its folder.
        intra_op_threads: Threads that share one operation.
        inter_op_threads: Threads that share the operations of one call. With 1, a call runs in the caller's thread.

    Raises:
        ModelError: The folder holds no SavedModel that TensorFlow can load.
    """

    def __init__(self, folder: str, *, intra_op_threads: int = 1, inter_op_threads: int = 1) -> None:
        v1 = tf.compat.v1
        tf.get_logger().setLevel("ERROR")  # the loader below announces that it will go away in some future version
        graph = tf.Graph()
        self._session = v1.Session(
            graph=graph,
            config=v1.ConfigProto(
                intra_op_parallelism_threads=intra_op_threads, inter_op_parallelism_threads=inter_op_threads
            ),
        )
        try:
            with graph.as_default():
                loaded = v1.saved_model.load(self._session, [tf.saved_model.SERVING], folder)
        except (OSError, RuntimeError, ValueError, tf.errors.OpError) as e:
            raise ModelError(f"TensorFlow cannot load the SavedModel in {folder}: {e}") from e
        self.signatures = {
            name: each for name, each in loaded.signature_def.items() if each.method_name == _PREDICT_METHOD
        }
        """Name to its SignatureDef. TensorFlow also keeps the operation that initializes the tables as a signature."""

        self._in_callers_thread = inter_op_threads == 1
        self._callables: dict[str, Any] = {}
        self._lock = threading.Lock()

    def run(self, signature: str, inputs: Mapping[str, Tensor], outputs: Sequence[str] = ()) -> dict[str, Tensor]:
        """Runs a signature.

        Args:
            signature: Its name.
            inputs: All its inputs, by name.
            outputs: Names of the wanted outputs; all if there is none.

        Returns:
            Output name to array.

        Raises:
            SignatureError: An operation refused its inputs, or failed.
        """
        declared = self.signatures[signature]
        names = list(outputs or declared.outputs)
        try:
            run = self._callable(signature, names) if outputs else self._whole(signature)
            return dict(zip(names, run(*[inputs[name] for name in declared.inputs]), strict=True))
        except tf.errors.OpError as e:
            raise SignatureError(e.error_code, e.message) from e

    def _whole(self, signature: str) -> Any:
        """The callable of a signature with all its outputs.

        It is made at the first call: TensorFlow optimizes the signature's graph for it, for a tenth of a second and
        more. So a process that is started after a crash answers as soon as the signature that is asked for is there.
        """
        found = self._callables.get(signature)
        if found is None:
            with self._lock:
                found = self._callables.get(signature)
                if found is None:
                    found = self._callables[signature] = self._callable(
                        signature, list(self.signatures[signature].outputs)
                    )
        return found

    def _callable(self, signature: str, outputs: Sequence[str]) -> Any:
        declared = self.signatures[signature]
        options = config_pb2.CallableOptions(
            feed=[each.name for each in declared.inputs.values()],
            fetch=[declared.outputs[name].name for name in outputs],
        )
        if self._in_callers_thread:
            options.run_options.inter_op_thread_pool = _CALLERS_THREAD
        # `Session.make_callable`, its public form, goes through a dictionary of feeds at each call, which doubles the
        # CPU time of a small one.
        return self._session._make_callable_from_options(options)
