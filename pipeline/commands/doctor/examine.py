"""Runs all checks of this machine; only this module reads the machine's state for them."""

import contextlib
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from configs.pipeline import PipelineConfig
from pipeline.commands.doctor import access, data, interpreter, libraries, machine
from pipeline.commands.doctor.check import Check
from pipeline.ground.home import local_home

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def examine(config: PipelineConfig) -> Iterator[Check]:
    """Runs all checks, one after the other; the imports take seconds.

    Args:
        config: The pipeline to run on this machine.
    """
    python = sys.version_info[:3]
    yield _with_imports("Python", lambda: interpreter.interpreter(python, _requires_python()))
    yield interpreter.c_library(*platform.libc_ver(), platform.machine(), python)
    found = libraries.installed()
    yield _with_imports("versions", lambda: libraries.versions(found, libraries.requirements()))
    yield libraries.kubeflow(found.get("kfp"))
    if config.compare is not None and config.compare.mlflow is not None:
        yield libraries.mlflow(found.get("mlflow-skinny"))
    loaded = libraries.load()
    yield libraries.imports(loaded)
    yield libraries.keras(loaded, libraries.this_environment("TF_USE_LEGACY_KERAS"))
    yield libraries.protobuf(loaded, libraries.this_environment("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"))
    yield access.pip(shutil.which("pip"), sys.prefix)
    key_file = libraries.this_environment("GOOGLE_APPLICATION_CREDENTIALS")
    yield _with_imports("credentials", lambda: access.credentials(_default_credentials, config.vertex, key_file))
    yield data.data(data.paths_of(config))
    yield from _room(config, data.log_rows(config.log))


def _with_imports(name: str, look: Callable[[], Check]) -> Check:
    """Runs a check that imports a library which may be missing."""
    try:
        return look()
    except ImportError as e:
        return Check(
            name,
            "error",
            f"unknown, because a library is missing: {e}",
            "Install the versions of uv.lock: ./bootstrap.sh.",
        )


def _room(config: PipelineConfig, rows: int | None) -> Iterator[Check]:
    yield machine.memory(_available_memory(), rows)
    needed = machine.disk_needed(rows)
    home = local_home(config)
    later = (config.runs.keep - 1) * needed
    yield machine.disk("disk", str(home), _free(home), needed, later)
    temporary = Path(tempfile.gettempdir())
    yield machine.disk("temporary files", str(temporary), _free(temporary), machine.TEMPORARY_BYTES)


def _requires_python() -> str | None:
    try:
        return metadata.metadata("perennial")["Requires-Python"]
    except metadata.PackageNotFoundError:
        return None


def _default_credentials() -> tuple[Any, str | None]:
    import google.auth

    return google.auth.default()


def _available_memory() -> int | None:
    cgroup = {}
    for name in ("memory.max", "memory.current", "memory.stat"):
        with contextlib.suppress(OSError):  # there is no cgroup v2, or this process may not read it
            cgroup[name] = (_CGROUP / name).read_text()
    return machine.available_memory(_MEMINFO.read_text() if _MEMINFO.exists() else "", cgroup)


def _free(folder: Path) -> int:
    """Returns the free bytes on the disk where a folder is or will be."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free
