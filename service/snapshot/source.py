"""Tells by a digest whether a version has changed since a snapshot was made from it."""

import hashlib
import os
from pathlib import Path

_WEIGHTS = "variables.data-"
"""Weights are not read: `variables.index`, which is, holds a checksum of each tensor."""

_BLOCK_BYTES = 1 << 20
"""Bytes read at once; any size that is large against a read's own cost does."""


def digest_of(version_folder: str | Path) -> str:
    """Digest of a version's files: the SavedModel, its assets, and what lies beside it in `assets.extra`.

    Args:
        version_folder: The version's folder, on this machine.

    Returns:
        64 hexadecimal digits.

    Raises:
        OSError: A file cannot be read.
    """
    root, digest = Path(version_folder), hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        # The lengths keep two different folders from giving the same bytes.
        name = os.fsencode(path.relative_to(root).as_posix())
        digest.update(b"%d %s %d " % (len(name), name, path.stat().st_size))
        if not path.name.startswith(_WEIGHTS):
            with path.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
    return digest.hexdigest()
