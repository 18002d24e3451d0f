"""Makes a snapshot in a process of its own, so that its seconds of computing are not taken from requests.

python -m service.versions.preparing JOB        (JSON, as `prepare_apart` writes it)
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from common.errors import ForkError, ModelError, PerennialError
from configs.service.backend import TfServing, VertexEndpoint
from configs.service.index import Index
from documents.serving_requests import ServingRequests
from service.backends.backend import Backend
from service.backends.grpc_backend import GrpcBackend
from service.ending import end_with_stdin
from service.forks import Forks
from service.snapshot.prepare import prepare


def preparing_processes() -> Forks:
    """What the processes are started by."""
    # Where pandas is installed, Arrow imports it when it makes its first array, for a second.
    libraries = ("service.backends.grpc_backend", "service.snapshot.prepare", "pandas")
    return Forks(__name__, libraries, {"OPENBLAS_NUM_THREADS": "1"})


async def prepare_apart(
    processes: Forks,
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
        processes: `preparing_processes()`.
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
    try:
        process = await asyncio.wait_for(processes.start([json.dumps(job)]), timeout_seconds)
        try:
            status = await asyncio.wait_for(asyncio.shield(process.ended), timeout_seconds)
        finally:
            await process.end()
    except asyncio.TimeoutError:
        raise ModelError(f"the snapshot of version {number} took longer than {timeout_seconds:g} s") from None
    except ForkError as e:
        raise ModelError(f"the snapshot of version {number} could not be made: {e}") from e
    if status != 0:
        how = "" if status is None else f" with status {status}"
        message = f"the snapshot of version {number} could not be made: the process has ended{how}"
        raise ModelError(process.words.after(message))


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
    end_with_stdin()
    try:
        asyncio.run(_run(json.loads(sys.argv[1])))
    except (PerennialError, OSError, pa.ArrowException) as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
