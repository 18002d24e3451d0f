"""Turns Arrow tables into bytes that Beam's workers exchange. Pickled slices would carry their whole buffers."""

from typing import Any

import pyarrow as pa


def to_bytes(table: Any) -> bytes:
    """Writes a pyarrow.Table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def from_bytes(data: bytes) -> Any:
    """Reads the pyarrow.Table that `to_bytes` wrote; it shares the bytes' memory."""
    return pa.ipc.open_stream(data).read_all()
