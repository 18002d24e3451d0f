"""The client against a real model process, and against servers that fail as real ones do."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc import aio

from common.answers import compare
from common.errors import ConfigError
from configs.service.backend import TfServing
from service.backends.backend import BackendRefusedError, BackendUnavailableError
from service.backends.grpc_backend import GrpcBackend
from service.protos import messages
from tests.service.certificates import Authority
from tests.service.conftest import NEWEST, OLDER
from tests.service.model_server import NAME, ModelServer, serving

SECONDS = 60.0
"""For what must come; a busy machine takes long."""

SOON = 0.3
"""For what never comes."""


def strings(*values: bytes) -> Any:
    return np.array(values, object)


ITEMS = {"item_id": strings(b"i3", b"no such item")}


def ask(address: str, signature: str, inputs: Any, *, version: int = NEWEST, seconds: float = SECONDS) -> Any:
    async def predict() -> Any:
        backend = GrpcBackend(address, NAME, version)
        try:
            return await backend.predict(signature, inputs, timeout_seconds=seconds)
        finally:
            await backend.close()

    return asyncio.run(predict())


@pytest.fixture
def ready(model_server: ModelServer) -> str:
    """The server's address."""

    async def wait() -> None:
        for version in (OLDER, NEWEST):
            backend = GrpcBackend(model_server.address, NAME, version)
            await backend.wait_until_ready(timeout_seconds=SECONDS)
            await backend.close()

    asyncio.run(wait())
    return model_server.address


@pytest.mark.e2e
def test_predict_stored_requests_get_the_trainers_answers(ready: str, stored_requests: list[Any]) -> None:
    async def replay() -> list[str]:
        backend, failures = GrpcBackend(ready, NAME, NEWEST), []
        for signature, inputs, outputs in stored_requests:
            answer = await backend.predict(signature, inputs, timeout_seconds=SECONDS)
            assert {name: array.dtype.kind for name, array in answer.items()} == {
                name: "O" if form["dtype"] == "string" else np.dtype(form["dtype"]).kind
                for name, form in outputs.items()
            }
            asked = inputs["k"].tolist() if "k" in inputs else None
            failures += compare(answer, outputs, 1e-4, asked)[0]
        await backend.close()
        return failures

    assert len({signature for signature, _, _ in stored_requests}) == 8
    assert asyncio.run(replay()) == []


@pytest.mark.e2e
def test_predict_many_at_once_get_their_own_answers(ready: str) -> None:
    async def many() -> list[Any]:
        backend = GrpcBackend(ready, NAME, NEWEST)
        places = [
            backend.predict("embed_item_indices", {"index": np.array([place])}, timeout_seconds=SECONDS)
            for place in range(20)
        ]
        answers = await asyncio.gather(*places)
        await backend.close()
        return [answer["item_id"][0] for answer in answers]

    pages = ask(ready, "catalogue", {"offset": np.array([0]), "limit": np.array([20])})
    assert asyncio.run(many()) == pages["item_id"].tolist()


@pytest.mark.e2e
def test_predict_more_than_four_megabytes_both_ways_is_answered(ready: str) -> None:
    rows = 200_000
    asked = strings(*[b"an item that nobody knows %d" % row for row in range(rows)])
    answer = ask(ready, "embed_items", {"item_id": asked})
    assert answer["embedding"].nbytes > 4 << 20
    assert answer["embedding"].shape[0] == rows
    assert not answer["known"].any()


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("signature", "inputs", "code", "words"),
    [
        ("recommendations", ITEMS, "FAILED_PRECONDITION", 'Serving signature key "recommendations" not found.'),
        ("embed_items", {"item_id": np.array([7], np.int32)}, "INVALID_ARGUMENT", "Type mismatch"),
        ("embed_items", {}, "INVALID_ARGUMENT", "input size does not match signature: 0!=1 len({}) != len({item_id})"),
        ("embed_items", {**ITEMS, "k": np.zeros(2, np.int32)}, "INVALID_ARGUMENT", "Sent extra: {k}"),
        ("similar_items", {**ITEMS, "k": np.zeros(2, np.int32)}, "INVALID_ARGUMENT", "k must be 1 or more"),
        ("embed_items", {"item_id": np.zeros(2)}, "float64", ""),
    ],
)
def test_predict_what_does_not_fit_is_refused(ready: str, signature: str, inputs: Any, code: str, words: str) -> None:
    with pytest.raises(BackendRefusedError, match=code) as refused:
        ask(ready, signature, inputs)
    assert words in refused.value.detail
    assert words == "" or words not in str(refused.value)


@pytest.mark.e2e
def test_predict_of_a_version_or_model_that_is_not_there_is_unavailable(ready: str) -> None:
    with pytest.raises(BackendUnavailableError, match=r"version 4 .* NOT_FOUND") as unavailable:
        ask(ready, "embed_items", ITEMS, version=4)
    assert unavailable.value.detail == f"Servable not found for request: Specific({NAME}, 4)"


@pytest.mark.e2e
def test_status_tells_available_versions_from_others(ready: str) -> None:
    async def states() -> list[str]:
        found = []
        for version in (OLDER, NEWEST, 4):
            backend = GrpcBackend(ready, NAME, version)
            found.append(await backend.status(timeout_seconds=SECONDS))
            await backend.close()
        return found

    assert asyncio.run(states()) == ["AVAILABLE", "AVAILABLE", "UNKNOWN"]


@pytest.mark.e2e
def test_wait_until_ready_of_a_version_that_never_comes_ends_in_time(ready: str) -> None:
    async def wait() -> None:
        backend = GrpcBackend(ready, NAME, 4)
        try:
            await backend.wait_until_ready(timeout_seconds=SOON)
        finally:
            await backend.close()

    with pytest.raises(BackendUnavailableError, match=r"version 4 .* its state is UNKNOWN"):
        asyncio.run(wait())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.mark.e2e
def test_tls_both_sides_show_certificates_that_the_other_knows(
    model_folder: str, authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.pair("localhost")
    own, own_key = authority.pair("service")
    other = Authority(tmp_path, "other")
    files = ["--certificate-file", certificate, "--key-file", key, "--client-ca-file", authority.file]
    with serving("localhost:0", f"{NEWEST}={model_folder}", *files) as server:

        async def predict(**settings: Any) -> Any:
            backend = GrpcBackend.of(TfServing(address=server.address, model_name=NAME, **settings), NEWEST)
            try:
                await backend.wait_until_ready(timeout_seconds=SOON if settings["ca_file"] == other.file else SECONDS)
                return await backend.predict("embed_items", ITEMS, timeout_seconds=SECONDS)
            finally:
                await backend.close()

        good = {"ca_file": authority.file, "certificate_file": own, "key_file": own_key}
        assert asyncio.run(predict(**good))["known"].tolist() == [True, False]
        with pytest.raises(BackendUnavailableError):
            asyncio.run(predict(**{**good, "ca_file": other.file}))

        async def without(**settings: Any) -> Any:
            backend = GrpcBackend.of(TfServing(address=server.address, model_name=NAME, **settings), NEWEST)
            try:
                return await backend.predict("embed_items", ITEMS, timeout_seconds=5)
            finally:
                await backend.close()

        with pytest.raises(BackendUnavailableError, match="UNAVAILABLE"):
            asyncio.run(without(ca_file=authority.file))
        with pytest.raises(BackendUnavailableError, match="UNAVAILABLE"):
            asyncio.run(without())


def test_of_a_file_that_is_missing_is_a_config_error() -> None:
    server = TfServing(address="localhost:1", model_name=NAME, ca_file="/no/such/file")
    with pytest.raises(ConfigError, match="cannot read /no/such/file"):
        GrpcBackend.of(server, NEWEST)


Answer = Callable[[Any, Any], Awaitable[Any]]


@contextlib.asynccontextmanager
async def server_of(answer: Answer) -> AsyncIterator[GrpcBackend]:
    """A server with one method, and a client of it."""
    server = aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        answer, messages.PredictRequest.FromString, messages.PredictResponse.SerializeToString
    )
    methods = grpc.method_handlers_generic_handler(messages.PREDICTION_SERVICE, {"Predict": handler})
    server.add_generic_rpc_handlers([methods])
    port = server.add_insecure_port("localhost:0")
    await server.start()
    backend = GrpcBackend(f"localhost:{port}", NAME, NEWEST)
    try:
        yield backend
    finally:
        await backend.close()
        await server.stop(None)


def echo(request: Any) -> Any:
    response = messages.PredictResponse()
    for name, proto in request.inputs.items():
        response.outputs[name].CopyFrom(proto)
    return response


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL])
def test_predict_tries_again_after_unavailable_and_nothing_else(code: grpc.StatusCode) -> None:
    calls = 0

    async def answer(request: Any, context: Any) -> Any:
        nonlocal calls
        calls += 1
        assert (request.model_spec.name, request.model_spec.version.value) == (NAME, NEWEST)
        if calls <= 2:
            await context.abort(code, "u-secret")
        return echo(request)

    async def predict() -> Any:
        async with server_of(answer) as backend:
            return await backend.predict("s", ITEMS, timeout_seconds=SECONDS)

    if code == grpc.StatusCode.UNAVAILABLE:
        assert asyncio.run(predict())["item_id"].tolist() == ITEMS["item_id"].tolist()
        assert calls == 3
    else:
        with pytest.raises(BackendUnavailableError, match="INTERNAL") as error:
            asyncio.run(predict())
        assert calls == 1
        assert "secret" not in str(error.value)
        assert error.value.__cause__ is None and error.value.__suppress_context__


@pytest.mark.parametrize("seconds", [0.05, 30.0])
def test_predict_of_a_server_that_stays_unavailable_ends_after_few_tries_within_the_deadline(seconds: float) -> None:
    calls = 0

    async def answer(request: Any, context: Any) -> Any:
        nonlocal calls
        calls += 1
        await context.abort(grpc.StatusCode.UNAVAILABLE, "")

    async def predict() -> Any:
        async with server_of(answer) as backend:
            await backend.predict("s", ITEMS, timeout_seconds=seconds)

    with pytest.raises(BackendUnavailableError):
        asyncio.run(predict())
    assert calls == 5 if seconds > 1 else calls < 5


def test_predict_of_a_server_that_does_not_answer_ends_at_the_deadline() -> None:
    is_cancelled = asyncio.Event()

    async def answer(request: Any, context: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            is_cancelled.set()

    async def predict() -> None:
        async with server_of(answer) as backend:
            with pytest.raises(BackendUnavailableError, match="DEADLINE_EXCEEDED"):
                await backend.predict("s", ITEMS, timeout_seconds=SOON)
            await is_cancelled.wait()  # the server learns of it

    asyncio.run(predict())


def test_predict_of_an_answer_that_is_no_tensor_is_an_error() -> None:
    async def answer(request: Any, context: Any) -> Any:
        response = echo(request)
        response.outputs["item_id"].tensor_shape.dim[0].size = 3
        return response

    async def predict() -> None:
        async with server_of(answer) as backend:
            await backend.predict("s", ITEMS, timeout_seconds=SECONDS)

    with pytest.raises(BackendUnavailableError, match="2 values are no tensor of shape"):
        asyncio.run(predict())


@contextlib.asynccontextmanager
async def unanswered() -> AsyncIterator[tuple[GrpcBackend, asyncio.Future[Any]]]:
    """A client, and its request that a server has got and will not answer."""
    is_asked = asyncio.Event()

    async def answer(request: Any, context: Any) -> Any:
        is_asked.set()
        await asyncio.Event().wait()

    async with server_of(answer) as backend:
        asked = asyncio.ensure_future(backend.predict("s", ITEMS, timeout_seconds=SECONDS))
        await is_asked.wait()
        yield backend, asked


def test_close_ends_requests_with_an_error_and_no_cancellation() -> None:
    async def close() -> None:
        async with unanswered() as (backend, asked):
            await backend.close()
            with pytest.raises(BackendUnavailableError, match="has been closed"):
                await asked
            with pytest.raises(BackendUnavailableError, match="has been closed"):
                await backend.predict("s", ITEMS, timeout_seconds=SECONDS)

    asyncio.run(close())


def test_predict_whose_task_is_cancelled_is_cancelled() -> None:
    async def cancel() -> None:
        async with unanswered() as (_, asked):
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked

    asyncio.run(cancel())


@contextlib.asynccontextmanager
async def proxy(target: str, cuts: list[int]) -> AsyncIterator[str]:
    """A connection in between, which closes the n-th connection after `cuts[n]` bytes of the answer."""
    host, port = target.rsplit(":", 1)
    left = list(cuts)

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        limit = left.pop(0) if left else None
        there, back = await asyncio.open_connection(host, int(port))
        forth = asyncio.ensure_future(pass_on(reader, back, None))
        await pass_on(there, writer, limit)
        forth.cancel()
        for each in (writer, back):
            each.transport.abort()

    async def pass_on(source: asyncio.StreamReader, goal: asyncio.StreamWriter, limit: int | None) -> None:
        passed = 0
        while content := await source.read(1 << 16):
            goal.write(content[: None if limit is None else limit - passed])
            passed += len(content)
            if limit is not None and passed >= limit:
                return

    server = await asyncio.start_server(connect, "localhost", 0)
    try:
        yield f"localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()  # without waiting for its connections, as `async with server` does from Python 3.12 on


@pytest.mark.e2e
def test_predict_of_a_connection_that_is_cut_in_the_answer_is_tried_again(ready: str) -> None:
    rows = 10_000
    inputs = {"item_id": strings(*[b"i3"] * rows)}

    async def predict(cuts: list[int]) -> Any:
        async with proxy(ready, cuts) as address:
            backend = GrpcBackend(address, NAME, NEWEST)
            try:
                return await backend.predict("embed_items", inputs, timeout_seconds=SECONDS)
            finally:
                await backend.close()

    answer = asyncio.run(predict([20_000]))
    assert answer["known"].all() and answer["embedding"].shape[0] == rows
    since = time.monotonic()
    with pytest.raises(BackendUnavailableError, match="UNAVAILABLE"):
        asyncio.run(predict([20_000] * 100))
    assert time.monotonic() - since < SECONDS / 2
