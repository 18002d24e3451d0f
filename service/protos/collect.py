"""Writes `FILE` from the official packages, which only this script needs.

    .venv/bin/python -m service.protos.collect

Run it with Python 3.10, which has the older of the two TensorFlow lines. A message only ever gets new fields, so what
the older line declares is right for the newer one, too. `tests/service/protos` compares the file with what is
installed.
"""

from typing import Any

from google.protobuf import descriptor_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

from common.atomicity import write_bytes
from service.protos import FILE


def collect() -> bytes:
    """Returns the serialized FileDescriptorSet of the messages and all that they import, dependencies first."""
    files: dict[str, bytes] = {}

    def add(file: Any) -> None:
        for dependency in file.dependencies:
            add(dependency)
        files.setdefault(file.name, file.serialized_pb)

    for module in (predict_pb2, get_model_status_pb2, get_model_metadata_pb2):
        add(module.DESCRIPTOR)
    return descriptor_pb2.FileDescriptorSet(
        file=[descriptor_pb2.FileDescriptorProto.FromString(content) for content in files.values()]
    ).SerializeToString(deterministic=True)


if __name__ == "__main__":
    write_bytes(FILE, collect())
