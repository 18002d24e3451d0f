"""Finds or creates the Endpoint of a model, and says which versions are on it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from common.errors import VertexError
from configs.vertex.registry import Endpoint
from configs.vertex.target import Target
from pipeline.cloud.registry.api import RegistryApi, at_work, carried_out, plain

_CREATE_SECONDS = 10 * 60


@dataclass(frozen=True)
class Deployed:
    """One version of the target model on the Endpoint."""

    id: str
    """The id of the deployed model on the Endpoint."""

    version: int
    """The registry's version."""

    traffic: int
    """Its share of the requests, in percent."""

    since: float
    """When it was deployed, in seconds since 1970."""


def deployed(api: RegistryApi, target: Target) -> list[Deployed]:
    """Lists the model's versions on the Endpoint in the order of their deployment; empty if there is no Endpoint.

    Raises:
        VertexError: Google Cloud refused or could not be reached, or another model has traffic on the Endpoint.
    """

    def once(options: dict[str, Any]) -> list[Deployed]:
        found = find(api, target, options)
        return ours(api.endpoints.get_endpoint(name=found, **options), target) if found else []

    return api.call(f"read the Endpoint {settings_of(target).display_name!r}", once)


def find(api: RegistryApi, target: Target, options: Mapping[str, Any]) -> str | None:
    """Finds the Endpoint's resource name by its display name; None if there is no such Endpoint.

    Raises:
        VertexError: Several Endpoints have this name.
    """
    name = settings_of(target).display_name
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    request = {"parent": target.location, "filter": f'display_name="{quoted}"'}
    found = sorted(endpoint.name for endpoint in api.endpoints.list_endpoints(request=request, **options))
    if len(found) > 1:
        raise VertexError(
            f"{target.location}: {len(found)} Endpoints have the name {name!r}: {', '.join(found)}. Rename or delete "
            "all of them except one."
        )
    return found[0] if found else None


def find_or_create(api: RegistryApi, target: Target) -> str:
    """Finds the Endpoint, or creates it.

    Returns:
        Its resource name.

    Raises:
        VertexError: Google Cloud refused or could not be reached, or the name in the config is ambiguous or taken.
    """
    display_name = settings_of(target).display_name
    # With a fixed id, a second request after a lost reply does not create a second Endpoint.
    endpoint_id = f"perennial-{hashlib.sha256(display_name.encode()).hexdigest()[:16]}"
    own = f"{target.location}/endpoints/{endpoint_id}"
    found: list[str] = []

    def begin(options: dict[str, Any]) -> Any:
        busy = at_work(api.endpoints, own, options)
        if name := find(api, target, options):
            found.append(name)
            return None
        if busy:
            return busy
        endpoint = v1.Endpoint(display_name=display_name, labels={"pipeline": target.pipeline})
        request = v1.CreateEndpointRequest(parent=target.location, endpoint_id=endpoint_id, endpoint=endpoint)
        try:
            return api.endpoints.create_endpoint(request=request, **options)
        except exceptions.Conflict:
            there = api.endpoints.get_endpoint(name=own, **options)
            if there.display_name != display_name:
                raise VertexError(
                    f"{own} was created for vertex.registry.endpoint.display_name {display_name!r}, but its name is "
                    f"now {there.display_name!r}. Rename it back, or give its new name in the config."
                ) from None
            found.append(own)
            return None

    made = carried_out(api, f"find or create the Endpoint {display_name!r}", begin, _CREATE_SECONDS)
    return found[-1] if made is None else str(made.name)


def ours(endpoint: Any, target: Target) -> list[Deployed]:
    """Lists the model's versions on an Endpoint in the order of their deployment.

    Raises:
        VertexError: Another model has traffic on the Endpoint.
    """
    found = []
    for each in sorted(plain(endpoint).deployed_models, key=lambda each: each.create_time.ToNanoseconds()):
        traffic = endpoint.traffic_split.get(each.id, 0)
        # Compare only the last part: the API names the project by its number.
        model_id = each.model.partition("@")[0].rpartition("/")[2]
        if model_id == target.model_id:
            found.append(Deployed(each.id, int(each.model_version_id), traffic, each.create_time.ToNanoseconds() / 1e9))
        elif traffic:
            raise VertexError(
                f"{endpoint.name}: the model {model_id} has {traffic} % of the traffic, and a push would take it "
                "away. Name another Endpoint in vertex.registry.endpoint.display_name, or undeploy that model."
            )
    return found


def settings_of(target: Target) -> Endpoint:
    """Returns the config's section on the Endpoint, which must be there."""
    assert target.endpoint is not None  # the callers check it first
    return target.endpoint
