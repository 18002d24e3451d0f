"""Makes a snapshot in a process of its own, so that its seconds of computing are not taken from requests.

python -m service.versions.preparing        (what to do comes as JSON on standard input)
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from common.errors import ModelError, PerennialError
from configs.service.backend import TfServing, VertexEndpoint
from configs.service.index import Index
from documents.serving_requests import ServingRequests
from service.backends.backend import Backend
from service.backends.grpc_backend import GrpcBackend
from service.snapshot.prepare import prepare

_LAST_BYTES = 2000
"""Of what a process that failed has said."""


async def prepare_apart(
    version_folder: Path,
    number: int,
    model: dict[str, Any],
    folder: Path,
    *,
    index: Index | None = None,
    timeout_seconds: float,
) -> None:
    """Makes the snapshot of a version in a new process; see `prepare`.

    Args:
        version_folder: The version, on this machine.
        number: Its number.
        model: How the process reaches the model: `address` of a model process, or `tf_serving` or `vertex_endpoint`
            with the config's section.
        folder: Where the snapshot belongs.
        index: What is asked of its index; None for none.
        timeout_seconds: Time for all of it.

    Raises:
        ModelError: It could not be made.
    """
    job = {"version_folder": str(version_folder), "number": number, "model": model, "folder": str(folder)}
    job["index"] = None if index is None else index.model_dump()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(json.dumps(job).encode()), timeout_seconds)
    except asyncio.TimeoutError:
        raise ModelError(f"the snapshot of version {number} took longer than {timeout_seconds:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        words = said[-_LAST_BYTES:].decode(errors="replace").strip()
        raise ModelError(f"the snapshot of version {number} could not be made: {words}")


def backend_of(model: dict[str, Any], number: int, version_folder: Path) -> Backend:
    """Connects to a version's model; see `prepare_apart`."""
    if "address" in model:
        return GrpcBackend(model["address"], "model", number)
    if "tf_serving" in model:
        return GrpcBackend.of(TfServing.model_validate(model["tf_serving"]), number)
    from service.backends.vertex import VertexBackend

    signatures = ServingRequests.read(version_folder).signatures
    return VertexBackend(VertexEndpoint.model_validate(model["vertex_endpoint"]), signatures)


async def _run(job: dict[str, Any]) -> None:
    backend = backend_of(job["model"], job["number"], Path(job["version_folder"]))
    try:
        index = None if job["index"] is None else Index.model_validate(job["index"])
        await prepare(job["version_folder"], backend, job["folder"], index=index)
    finally:
        await backend.close()


def main() -> int:
    """Runs as a program.

    Returns:
        0; or 1, with the error on standard error.
    """
    try:
        asyncio.run(_run(json.load(sys.stdin)))
    except (PerennialError, OSError, pa.ArrowException) as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
