"""Recognises files that are not what the config says, from their first bytes."""

import re

_BEGINNINGS = (
    (b"PK\x03\x04", "a ZIP archive (or a workbook of Excel, which is one)", "unpack it"),
    (b"BZh", "compressed with bzip2", "decompress it, or compress it with gzip"),
    (b"\xfd7zXZ\x00", "compressed with xz", "decompress it, or compress it with gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard, but its name does not end in .zst", "rename it"),
    (b"\x04\x22\x4d\x18", "compressed with LZ4", "decompress it, or compress it with gzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"\x1f\x8b", "compressed with gzip, but its name does not end in .gz", "rename it"),
    (b"PAR1", "a Parquet file", "set format.kind: parquet"),
    (b"ORC", "an ORC file", "write it as Parquet"),
    (b"Obj\x01", "an Avro file", "write it as Parquet"),
    (b"ARROW1", "an Arrow file", "write it as Parquet"),
    (b"SQLite format 3\x00", "an SQLite database", "export the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old workbook of Excel", "save it as CSV"),
    (b"%PDF", "a PDF", "name a file of the table"),
    (b"\x89HDF", "an HDF5 file", "write it as Parquet"),
    (b"\x80\x04\x95", "a Python pickle", "write it as Parquet"),
)
_PAGE = re.compile(rb"\s*(<!doctype html|<html)[\s>]", re.IGNORECASE)

_ENOUGH = 64
"""The bytes from which an encoding can be told."""


def mistaken(head: bytes) -> str | None:
    """Says what a file is if it is not a text table.

    Args:
        head: The file's first bytes, decompressed.

    Returns:
        What it is, and what to do; None if it may be a text table.
    """
    for beginning, kind, advice in _BEGINNINGS:
        if head.startswith(beginning) and not _is_text(head):
            return f"is {kind}; {advice}."
    if _PAGE.match(head):
        return "is a web page, perhaps of a login or of an error; fetch the file again."
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "starts with a UTF-16 byte-order mark; convert the file to UTF-8."
    sample = head[:4096]
    if len(sample) >= _ENOUGH and max(sample[::2].count(0), sample[1::2].count(0)) > len(sample) // 4:
        return "is in UTF-16 without a byte-order mark: every second byte is 0; convert the file to UTF-8."
    if b"\r" in head and b"\n" not in head:
        return "has the line ends of old Macs, a carriage return alone; convert them, as with: tr '\\r' '\\n'."
    return None


def _is_text(head: bytes) -> bool:
    """Whether the bytes are printable text, as of a table whose first column is called ORC."""
    return all(byte >= 32 or byte in b"\t\r\n" for byte in head[:_ENOUGH]) and b"\xff" not in head[:_ENOUGH]
