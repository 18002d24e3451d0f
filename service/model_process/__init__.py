"""Serves a SavedModel in a process of its own, by TensorFlow Serving's protocol: `python -m service.model_process`.

It is the one part of the service that imports TensorFlow. `service.backends.local` starts it for a version; it listens
at a Unix socket then. It can also listen at a port, encrypted or not, with several versions and labels: as the stand-in
for TensorFlow Serving in the tests, as that server is in no package registry. What the stand-in cannot show is
TensorFlow Serving's own batching, its version policies and its warm-up.
"""

ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
"""What TensorFlow reads when it is imported. A GPU gains nothing for queries of one row, and two versions could not
share it; TensorFlow Serving is there for GPUs. 3: no lines but those before a crash, as at 2 each start says that it
found no GPU."""
