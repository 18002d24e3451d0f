"""Compresses bytes as the endings of files say."""

import gzip

import pyarrow as pa


def compressed(text: bytes, ending: str) -> bytes:
    """Returns the text as a file of this ending holds it: `.gz`, `.zst`, or any other for the text itself."""
    if ending == ".gz":
        return gzip.compress(text, mtime=0)
    if ending != ".zst":
        return text
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(text)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed
