"""The reading routes of `/v1`. A route turns HTTP into a typed query, and an answer into JSON; it decides nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api import openapi
from service.api.bodies import json_of, parsed
from service.api.errors import bad_request
from service.api.item_paths import item_of
from service.api.responses import PERSONAL, UNMARKED, JsonResponse, of_version
from service.api.urls import query_of
from service.queries.catalogue import Catalogue
from service.queries.query import (
    GraphQuery,
    ItemQuery,
    ListQuery,
    Query,
    RankQuery,
    RecommendationQuery,
    SearchQuery,
    SimilarQuery,
    WhyQuery,
)
from service.site import Site
from service.versions.served import Served

BATCH = "queries"
"""The field of a body that holds several queries."""


def reading_routes(router: APIRouter, site: Site) -> None:
    """Adds the routes of recommendations and items.

    Args:
        router: The application's own.
        site: What answers.
    """
    limits, recommender = site.config.service.limits, site.recommender
    catalogue = Catalogue(limits)

    @router.get("/v1/recommendations", **openapi.GET_RECOMMENDATIONS)
    async def get_recommendations(request: Request) -> Response:
        return JsonResponse(await recommender.recommend(query_of(request, RecommendationQuery)), headers=PERSONAL)

    @router.post("/v1/recommendations", **openapi.POST_RECOMMENDATIONS)
    async def post_recommendations(request: Request) -> Response:
        body = await json_of(request)
        if not isinstance(body, dict) or BATCH not in body:
            return JsonResponse(await recommender.recommend(parsed(RecommendationQuery, body)), headers=PERSONAL)
        if len(body) > 1 or not isinstance(body[BATCH], list):
            raise bad_request("must be a list, and the only field beside it is none", BATCH)
        if len(body[BATCH]) > limits.batch:
            raise bad_request(f"holds {len(body[BATCH])} queries; at most {limits.batch} are answered at once", BATCH)
        queries = [parsed(RecommendationQuery, one, f"{BATCH}[{n}]") for n, one in enumerate(body[BATCH])]
        answers = await _all(recommender.recommend, queries)
        return JsonResponse({"answers": answers}, headers=PERSONAL)

    @router.post("/v1/rank", **openapi.POST_RANK)
    async def post_rank(request: Request) -> Response:
        return JsonResponse(await recommender.rank(parsed(RankQuery, await json_of(request))), headers=PERSONAL)

    @router.get("/v1/why", **openapi.GET_WHY)
    async def get_why(request: Request) -> Response:
        return JsonResponse(await recommender.explain(query_of(request, WhyQuery)), headers=PERSONAL)

    @router.post("/v1/why", **openapi.POST_WHY)
    async def post_why(request: Request) -> Response:
        return JsonResponse(await recommender.explain(parsed(WhyQuery, await json_of(request))), headers=PERSONAL)

    def of_items(
        kind: type[Query], answer: Callable[[Served, Any], dict[str, Any]]
    ) -> Callable[..., Awaitable[Response]]:
        """Makes a route that is answered from the snapshot of the live version."""

        async def route(request: Request) -> Response:
            query = query_of(request, kind, **item_of(request.path_params))
            with site.versions.choose("").held() as served:
                # Without a mark of the version: what is kept in the database changes while the version stays.
                headers = UNMARKED if site.kept_items is not None else of_version(served.number)
                if "ETag" in headers and request.headers.get("if-none-match") == headers["ETag"]:
                    return Response(status_code=304, headers=headers)
                # In a thread, as a graph takes milliseconds and a search waits for the disk.
                found = await asyncio.to_thread(answer, served, query)
            if site.kept_items is not None:
                found = await site.kept_items.put_into(found, getattr(query, "fields", None))
            return JsonResponse(found, headers=headers)

        return route

    for path, described, kind, answer in (
        ("/v1/items/search", openapi.GET_SEARCH, SearchQuery, catalogue.search),
        ("/v1/items/popular", openapi.GET_POPULAR, ListQuery, catalogue.popular),
        ("/v1/items/latest", openapi.GET_LATEST, ListQuery, catalogue.latest),
        ("/v1/items/{item_id}", openapi.GET_ITEM, ItemQuery, catalogue.item),
        ("/v1/items/{item_id}/similar", openapi.GET_SIMILAR, SimilarQuery, catalogue.similar),
        ("/v1/items/{item_id}/graph", openapi.GET_GRAPH, GraphQuery, catalogue.graph),
        ("/v1/items/{item_id}/embedding", openapi.GET_EMBEDDING, ItemQuery, catalogue.embedding),
        # The same for every id, as a path cannot hold `..`, nor be an item's whose id is `search`.
        ("/v1/item", openapi.GET_ITEM_BY_QUERY, ItemQuery, catalogue.item),
        ("/v1/item/similar", openapi.GET_SIMILAR_BY_QUERY, SimilarQuery, catalogue.similar),
        ("/v1/item/graph", openapi.GET_GRAPH_BY_QUERY, GraphQuery, catalogue.graph),
        ("/v1/item/embedding", openapi.GET_EMBEDDING_BY_QUERY, ItemQuery, catalogue.embedding),
    ):
        router.add_api_route(path, of_items(kind, answer), methods=["GET"], **described)


async def _all(answer: Callable[[Any], Awaitable[dict[str, Any]]], queries: list[Any]) -> list[dict[str, Any]]:
    """Answers queries side by side, so that they share calls of the model; if one fails, so do all."""
    tasks = [asyncio.ensure_future(answer(query)) for query in queries]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
