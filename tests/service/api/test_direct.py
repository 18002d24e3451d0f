"""Requests of plain paths, which reach their routes without FastAPI, and all others, which do not."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import PlainTextResponse, Response

from common.errors import QueryError
from service.api.direct import Direct

ROUTER = APIRouter()


@ROUTER.get("/asks/plain")
async def asks(request: Request) -> Response:
    if "wrong" in request.query_params:
        raise QueryError("wrong")
    return PlainTextResponse(f"{request.scope['route'].path} {request.query_params.get('q')}")


@ROUTER.post("/asks/plain")
async def takes(request: Request) -> Response:
    return PlainTextResponse(await request.body())


@ROUTER.get("/state")
async def state() -> Response:
    return PlainTextResponse("state")


@ROUTER.get("/asks/{item_id:path}")
async def item(request: Request) -> Response:
    return PlainTextResponse(f"item {request.path_params['item_id']}")


@ROUTER.get("/fault")
async def fault() -> Response:
    raise ZeroDivisionError


class Inner:
    """FastAPI's application, and the paths that it was asked for."""

    def __init__(self) -> None:
        self.app, self.paths = FastAPI(), list[str]()
        self.app.include_router(ROUTER)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["path"])
        await self.app(scope, receive, send)


async def _handle(_: Request, error: Exception) -> Response:
    return PlainTextResponse(f"handled: {error}", 400)


def ask(method: str, path: str, content: bytes | None = None) -> tuple[int, str, list[str]]:
    """Status, body, and what FastAPI was asked for."""
    inner = Inner()

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(Direct(inner, ROUTER.routes, _handle))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.request(method, path, content=content)

    answer = asyncio.run(run())
    return answer.status_code, answer.text, inner.paths


def test_plain_path_is_answered_without_fastapi() -> None:
    assert ask("GET", "/asks/plain?q=%C3%A9") == (200, "/asks/plain é", [])
    assert ask("POST", "/asks/plain", b"body") == (200, "body", [])
    assert ask("GET", "/state") == (200, "state", [])


def test_known_error_of_a_plain_path_is_handled() -> None:
    assert ask("GET", "/asks/plain?wrong=1") == (400, "handled: wrong", [])


def test_fault_of_a_plain_path_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        ask("GET", "/fault")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/asks/a/b", 200), ("GET", "/nowhere", 404), ("PUT", "/asks/plain", 405), ("HEAD", "/state", 405)],
)
def test_everything_else_is_left_to_fastapi(method: str, path: str, status: int) -> None:
    found, _, paths = ask(method, path)
    assert (found, paths) == (status, [path])
