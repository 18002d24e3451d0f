"""The digest of our own code, an execution property of every component that runs it.

TFX's cache key is made of inputs and execution properties. User code named by a dotted path is in neither, so
without this a changed tower would be answered with yesterday's model.
"""

import hashlib
import importlib.util
from functools import lru_cache
from pathlib import Path

_CODE = {".py", ".j2", ".css"}
"""Endings of files that decide what a component writes. YAML files do not: what they say is in the config."""


@lru_cache
def code_digest(*packages: str) -> str:
    """SHA-256 over the Python files and page templates of packages, in the order of their paths.

    Args:
        *packages: Importable names of packages or modules, such as `trainer`.

    Returns:
        64 hexadecimal digits, the same wherever the code lies.

    Raises:
        ModuleNotFoundError: A name cannot be imported.
    """
    digest = hashlib.sha256()
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"no package or module {package!r} to take the digest of")
        origin = Path(spec.origin)
        inside = sorted(origin.parent.rglob("*")) if origin.name == "__init__.py" else [origin]
        files = [file for file in inside if file.suffix in _CODE]
        for file in files:
            digest.update(f"{package}/{file.relative_to(origin.parent)}\0".encode())
            digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()
