"""An Endpoint in front of the registry's versions: deployed before they get traffic, which moves in one update.

A version is undeployed only when it has no traffic left. So at every moment what answers is what answered before, or
the new version, whole.
"""

import hashlib
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

from configs.errors import VertexError
from configs.vertex import Endpoint
from pipeline.vertex.registry.api import RegistryApi, finished, plain
from pipeline.vertex.registry.target import Target

_CREATE_SECONDS = 10 * 60
_DEPLOY_SECONDS = 60 * 60
"""Machines are sought, the image and the model are fetched: some ten minutes as a rule."""

_UNDEPLOY_SECONDS = 30 * 60

_logger = logging.getLogger("perennial.registry")


@dataclass(frozen=True)
class Deployed:
    """One of our model's versions on the Endpoint."""

    id: str
    """Its own id there."""

    version: int
    """The registry's version."""

    traffic: int
    """Percent of the requests."""


def deployed(api: RegistryApi, target: Target) -> list[Deployed]:
    """What the Endpoint has of our model, in the order in which it came; nothing if there is no Endpoint.

    Raises:
        VertexError: Google Cloud refused or could not be reached, or the Endpoint is not ours alone.
    """

    def once(options: dict[str, Any]) -> list[Deployed]:
        found = _find(api, target, options)
        return _ours(api.endpoints.get_endpoint(name=found, **options), target) if found else []

    return api.call(f"look at the Endpoint {_settings(target).display_name!r}", once)


def serve(api: RegistryApi, target: Target, version: int, before: int | None) -> Mapping[int, int]:
    """Lets a version answer: deploys it if need be, then moves the traffic.

    Args:
        api: Google Cloud.
        target: The model; its registry section has an endpoint.
        version: The registry's version that is to answer.
        before: The version that keeps the rest of the traffic, if it is deployed. None: there is no rest.

    Returns:
        Percent of the traffic by version.

    Raises:
        VertexError: Google Cloud refused or could not be reached, or the Endpoint is not ours alone. What answered
            before still does.
    """
    display_name = _settings(target).display_name
    # Each of the three looks at what is there first, and so may be asked again where a reply was lost.
    name = api.call(f"find or create the Endpoint {display_name!r}", lambda o: _find_or_create(api, target, o))
    doing = f"deploy version {version} of {target.model} to {name}"
    api.call(doing, lambda options: _deploy(api, target, name, version, options))
    return api.call(f"move the traffic of {name}", lambda o: _move_traffic(api, target, name, version, before, o))


def tidy(api: RegistryApi, target: Target, keep: Collection[int]) -> None:
    """Undeploys versions that have no traffic and need not be there. What fails is left for the next push.

    Args:
        api: Google Cloud.
        target: The model; its registry section has an endpoint.
        keep: Versions of which one each stays in any case.
    """

    def once(options: dict[str, Any]) -> None:
        name, kept = _find(api, target, options), set[int]()
        there = _ours(api.endpoints.get_endpoint(name=name, **options), target)
        for each in sorted(there, key=lambda each: -each.traffic):
            if each.traffic or (each.version in keep and each.version not in kept):
                kept.add(each.version)
                continue
            request = {"endpoint": name, "deployed_model_id": each.id}
            finished(api.endpoints.undeploy_model(request=request, **options), _UNDEPLOY_SECONDS)
            _logger.info("version %d has no traffic and is no longer deployed", each.version)

    try:
        api.call("undeploy what has no traffic", once)
    except VertexError as e:
        # The new version answers; that an old one costs money a while longer must not undo this.
        _logger.warning("%s What should answer does; an older version stays deployed without traffic.", e)


def _find(api: RegistryApi, target: Target, options: Mapping[str, Any]) -> str | None:
    """The Endpoint's resource name."""
    name = _settings(target).display_name
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    request = {"parent": target.location, "filter": f'display_name="{quoted}"'}
    found = sorted(endpoint.name for endpoint in api.endpoints.list_endpoints(request=request, **options))
    if len(found) > 1:
        raise VertexError(
            f"{target.location}: {len(found)} Endpoints are called {name!r}: {', '.join(found)}. Rename or delete all "
            "but the one that is meant."
        )
    return found[0] if found else None


def _find_or_create(api: RegistryApi, target: Target, options: Mapping[str, Any]) -> str:
    if found := _find(api, target, options):
        return found
    name = _settings(target).display_name
    # An id of our own: asked for twice, because a reply was lost, it is still one Endpoint.
    endpoint_id = f"perennial-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    endpoint = v1.Endpoint(display_name=name, labels={"pipeline": target.pipeline})
    request = v1.CreateEndpointRequest(parent=target.location, endpoint_id=endpoint_id, endpoint=endpoint)
    try:
        made = finished(api.endpoints.create_endpoint(request=request, **options), _CREATE_SECONDS)
    except exceptions.Conflict:
        return f"{target.location}/endpoints/{endpoint_id}"
    return str(made.name)


def _ours(endpoint: Any, target: Target) -> list[Deployed]:
    ours = []
    for each in sorted(plain(endpoint).deployed_models, key=lambda each: each.create_time.ToNanoseconds()):
        traffic = endpoint.traffic_split.get(each.id, 0)
        # By the last part: the API names the project by its number.
        model_id = each.model.partition("@")[0].rpartition("/")[2]
        if model_id == target.model_id:
            ours.append(Deployed(each.id, int(each.model_version_id), traffic))
        elif traffic:
            raise VertexError(
                f"{endpoint.name}: the model {model_id} has {traffic} % of its traffic, which a push would take from "
                "it. Name another Endpoint in vertex.registry.endpoint.display_name, or undeploy that model."
            )
    return ours


def _deploy(api: RegistryApi, target: Target, name: str, version: int, options: Mapping[str, Any]) -> None:
    there = _ours(api.endpoints.get_endpoint(name=name, **options), target)
    if any(each.version == version for each in there):
        return
    settings = _settings(target)
    resources = v1.DedicatedResources(
        machine_spec=v1.MachineSpec(machine_type=settings.machine_type),
        min_replica_count=settings.min_replicas,
        max_replica_count=settings.max_replicas,
    )
    request = v1.DeployModelRequest(
        endpoint=name,
        deployed_model=v1.DeployedModel(
            model=f"{target.model}@{version}",
            display_name=f"{target.model_id}-{version}",
            dedicated_resources=resources,
        ),
        # Without traffic_split: it gets none before it is there.
    )
    finished(api.endpoints.deploy_model(request=request, **options), _DEPLOY_SECONDS)


def _move_traffic(
    api: RegistryApi, target: Target, name: str, version: int, before: int | None, options: Mapping[str, Any]
) -> Mapping[int, int]:
    endpoint = api.endpoints.get_endpoint(name=name, **options)
    ids = {each.version: each.id for each in reversed(_ours(endpoint, target))}  # of two with one version, the older
    if version not in ids:
        raise VertexError(f"{name}: version {version} was deployed and is gone again. Run again.")
    split = {version: 100}
    if before in ids and before is not None and before != version:
        new_traffic = _settings(target).new_traffic
        split = {version: new_traffic, before: 100 - new_traffic}
    wanted = {ids[each]: percent for each, percent in split.items() if percent}
    if dict(endpoint.traffic_split) != wanted:
        changed = v1.Endpoint(name=name, etag=endpoint.etag, traffic_split=wanted)
        api.endpoints.update_endpoint(endpoint=changed, update_mask={"paths": ["traffic_split"]}, **options)
    return {each: percent for each, percent in split.items() if percent or each == version}


def _settings(target: Target) -> Endpoint:
    assert target.endpoint is not None  # who calls looks first
    return target.endpoint
