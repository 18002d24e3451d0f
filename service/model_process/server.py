"""Runs the gRPC server of the model process."""

from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

import grpc

from common.errors import ModelError
from service.model_process.servicer import Model, Servicer

_THREADS = 4
"""Two for the calls of the service's batches, so that one is ready when the other ends; one for a snapshot that is
being prepared; one for the status."""

_MOST_REQUESTS = 64
"""Requests that run or wait; more are refused with RESOURCE_EXHAUSTED. Clients of ours never have so many."""

_OPTIONS = [
    # gRPC's own limit of 4 MiB is less than the embeddings of 16,000 items. TensorFlow Serving has none either.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # Otherwise a second process could listen at the same port, and each would get some of the connections.
    ("grpc.so_reuseport", 0),
]


@dataclass(frozen=True)
class Tls:
    """Files of an encrypted port, PEM."""

    certificate_file: str
    key_file: str
    client_ca_file: str | None = None
    """Certificates of the authorities that sign the clients'. None: clients need no certificate."""

    def credentials(self) -> grpc.ServerCredentials:
        """Reads the files."""
        client_ca = Path(self.client_ca_file).read_bytes() if self.client_ca_file else None
        pair = (Path(self.key_file).read_bytes(), Path(self.certificate_file).read_bytes())
        return grpc.ssl_server_credentials([pair], client_ca, require_client_auth=client_ca is not None)


def serve(model: Model, address: str, tls: Tls | None = None) -> tuple[grpc.Server, int]:
    """Starts a server.

    Args:
        model: What it serves. Its versions may be filled in later.
        address: `unix:PATH` or `HOST:PORT`; port 0 takes a free one.
        tls: The files of an encrypted port.

    Returns:
        The server, and its port.

    Raises:
        ModelError: It cannot listen there.
    """
    pool = futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="predict")
    server = grpc.server(pool, options=_OPTIONS, maximum_concurrent_rpcs=_MOST_REQUESTS)
    server.add_generic_rpc_handlers(Servicer(model).handlers())
    try:
        port = server.add_secure_port(address, tls.credentials()) if tls else server.add_insecure_port(address)
    except (RuntimeError, OSError) as e:
        raise ModelError(f"cannot listen at {address}: {e}") from e
    if not port:  # gRPC before 1.53 returns 0 in place of an exception; a socket's is 1
        raise ModelError(f"cannot listen at {address}: is something else listening there?")
    server.start()
    return server, port
