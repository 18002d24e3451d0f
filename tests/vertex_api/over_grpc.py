"""Runs the same services over gRPC and TLS, which the client uses for Google Cloud by default."""

import datetime
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.longrunning import operations_pb2
from google.protobuf import json_format
from google.rpc import code_pb2, status_pb2
from grpc_status import rpc_status

from tests.vertex_api.faults import STATUS
from tests.vertex_api.rest import ApiError, Route
from tests.vertex_api.server import VertexApi

_HOST = "localhost"
_PREFIX = "/google.cloud.aiplatform.v1."
_OPERATIONS = {
    f"/google.longrunning.Operations/{request.DESCRIPTOR.name.removesuffix('Request')}": request
    for request in (operations_pb2.GetOperationRequest, operations_pb2.ListOperationsRequest)
}
"""Methods of the Operations service, which is common to all of Google Cloud."""


@contextmanager
def over_grpc(api: VertexApi, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Answers over gRPC while the block runs.

    Args:
        api: The services.
        folder: The folder for the server's certificate.

    Yields:
        `localhost:PORT`, and the variables with which a process trusts the certificate; gRPC reads them once.
    """
    certificate, key = _certificate()
    trusted = folder / "certificate.pem"
    trusted.write_bytes(certificate)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), handlers=[_Methods(api)])
    port = server.add_secure_port(f"{_HOST}:0", grpc.ssl_server_credentials([(key, certificate)]))
    server.start()
    try:
        yield f"{_HOST}:{port}", {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(trusted)}
    finally:
        server.stop(None).wait()


class _Methods(grpc.GenericRpcHandler):
    def __init__(self, api: VertexApi) -> None:
        self._api = api
        self._routes = {route.rpc: route for route in api.routes}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = handler_call_details.method
        operation = _OPERATIONS.get(method)
        route = self._routes.get(method.rpartition("/")[2]) if operation or method.startswith(_PREFIX) else None
        if route is None:
            self._api.strays.append(method)
            return None
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._answer(route, request, context),
            request_deserializer=_query(operation) if operation else route.request.deserialize,
            response_serializer=_serialize,
        )

    def _answer(self, route: Route, request: Any, context: grpc.ServicerContext) -> Any:
        headers = {str(name): str(value) for name, value in context.invocation_metadata()}
        try:
            return self._api.call(route.rpc, request, headers)
        except ApiError as e:
            status = status_pb2.Status(code=code_pb2.Code.Value(STATUS[e.code]), message=e.message)
            for detail in e.details:
                json_format.ParseDict(detail, status.details.add())
            context.abort_with_status(rpc_status.to_status(status))


def _query(request: Any) -> Callable[[bytes], dict[str, str]]:
    """A reader of requests as dicts of strings, as over HTTP."""
    return lambda sent: json_format.MessageToDict(request.FromString(sent))


def _serialize(answer: Any) -> bytes:
    plain: Any = type(answer).pb(answer) if hasattr(type(answer), "pb") else answer
    return bytes(plain.SerializeToString())


def _certificate() -> tuple[bytes, bytes]:
    """Makes a self-signed certificate, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _HOST)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return certificate.public_bytes(pem), key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
