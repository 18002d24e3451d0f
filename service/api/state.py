"""The routes about the service itself: what is in service, health, metrics."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from service.api import openapi
from service.api.errors import unavailable
from service.api.responses import JsonResponse
from service.site import Site
from service.versions.served import Served

_NO_STORE = {"Cache-Control": "no-store"}


def state_routes(router: APIRouter, site: Site) -> None:
    """Adds the routes.

    Args:
        router: The application's own.
        site: What they tell of.
    """

    @router.get("/v1/model", **openapi.GET_MODEL)
    async def get_model(_: Request) -> Response:
        versions, canary = site.versions, site.config.service.canary
        percent = None if canary is None else canary.percent
        return JsonResponse(
            {
                "live": _described(versions.live),
                "canary": _described(versions.canary),
                "canary_percent": percent if versions.canary else None,
                "previous": None if versions.previous is None else versions.previous.number,
                "loading": versions.loading,
                "refused": [
                    {"version": one.number, "reason": one.reason}
                    for one in sorted(versions.refused.values(), key=lambda refusal: -refusal.number)
                ],
            },
            headers=_NO_STORE,
        )

    @router.get("/healthz", summary="Whether the process runs", tags=["service"], response_class=PlainTextResponse)
    async def get_healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_NO_STORE)

    @router.get("/readyz", **openapi.GET_READY)
    async def get_readyz(_: Request) -> Response:
        if site.versions.live is None:
            raise unavailable("not_ready", "no version is in service yet; /v1/model says why.", 5)
        return PlainTextResponse("ok\n", headers=_NO_STORE)

    @router.get("/metrics", include_in_schema=False)
    async def get_metrics(_: Request) -> Response:
        return Response(site.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8", headers=_NO_STORE)


def _described(served: Served | None) -> dict[str, Any] | None:
    if served is None:
        return None
    made, data, origin = served.snapshot.document, served.data, served.provenance
    values, search = None if data is None else data.to_values(), served.search
    return {
        "version": served.number,
        "pushed_at": served.record.pushed_at,
        "items": made.items,
        "dim": made.dim,
        "search": {
            "kind": "exact" if search.index is None else "index",
            "recall": {kind: round(share, 4) for kind, share in search.recall.items()},
            "compared": search.compared,
            "lists": search.lists,
            "reason": search.reason,
        },
        "users_with_history": made.users,
        "leave_out": made.model_dump(mode="json")["leave_out"],
        "events_export": None if data is None else data.events_export,
        "pipeline": origin.pipeline,
        "model_digest": served.record.model_digest,
        "config_digest": origin.config_digest,
        "code_digest": origin.code_digest,
        "data_digest": origin.data_digest,
        "counts": origin.counts,
        "metrics": {} if values is None else values["metrics"],
        "rules": [] if values is None else list(values["decision"]["rules"]),
    }
