"""Deploys the registry's versions to an Endpoint, and moves its traffic between them.

A version is deployed before it gets traffic; the traffic moves in one update; a version is undeployed only when it has
no traffic left. So at every moment either the old or the new version answers.
"""

import logging
import time
from collections.abc import Collection, Mapping
from typing import Any

from google.cloud import aiplatform_v1 as v1

from common.errors import VertexError
from configs.vertex.registry import Endpoint
from configs.vertex.target import Target
from pipeline.cloud.registry.api import RegistryApi, afresh, at_work, carried_out, plain
from pipeline.cloud.registry.endpoint_lookup import find, find_or_create, ours, settings_of

_DEPLOY_SECONDS = 60 * 60
"""Vertex finds machines and fetches the image and the model: usually some ten minutes."""

_UNDEPLOY_SECONDS = 30 * 60

_now = time.time
_logger = logging.getLogger("perennial.registry")


def deploy(api: RegistryApi, target: Target, version: int) -> str:
    """Deploys a version unless it is deployed already. It gets no traffic yet.

    Args:
        api: Google Cloud.
        target: The model; its registry section has an endpoint.
        version: The registry's version to deploy.

    Returns:
        The resource name of the Endpoint, which is created if it is missing.

    Raises:
        VertexError: Google Cloud refused or could not be reached, or another model has traffic on the Endpoint. The
            version that answered before still answers.
    """
    # Both steps look first at what exists, so they can be repeated if a reply was lost.
    name = find_or_create(api, target)
    doing = f"deploy version {version} of {target.model} to {name}"
    carried_out(api, doing, lambda options: _begin_deploy(api, target, name, version, options), _DEPLOY_SECONDS)
    return name


def move_traffic(api: RegistryApi, target: Target, name: str, version: int, before: int | None) -> Mapping[int, int]:
    """Gives traffic to a deployed version.

    Args:
        api: Google Cloud.
        target: The model; its registry section has an endpoint.
        name: The Endpoint's resource name.
        version: The registry's version that gets the traffic.
        before: The version that keeps the rest of the traffic, if it is deployed. None: the new one gets all.

    Returns:
        Percent of the traffic by version.

    Raises:
        VertexError: Google Cloud refused or could not be reached, or another model has traffic on the Endpoint. The
            version that answered before still answers.
    """
    return api.call(
        f"move the traffic of {name}",
        lambda options: afresh(lambda: _move_traffic(api, target, name, version, before, options)),
    )


def tidy(api: RegistryApi, target: Target, keep: Collection[int], older_than_seconds: float = 0.0) -> None:
    """Undeploys versions that have no traffic and are not to be kept. If that fails, the next run tries again.

    Args:
        api: Google Cloud.
        target: The model; its registry section has an endpoint.
        keep: Versions to keep, also without traffic: one deployed model of each.
        older_than_seconds: Keeps newer deployments too, since another push may be about to give them traffic. If it is
            not 0, the function does not wait for other operations either.
    """

    def begin(options: dict[str, Any]) -> Any:
        if (name := find(api, target, options)) is None:
            return None
        if busy := at_work(api.endpoints, name, options):
            return busy if not older_than_seconds else None
        kept, until = set[int](), _now() - older_than_seconds
        deployed_models = ours(api.endpoints.get_endpoint(name=name, **options), target)
        for each in sorted(deployed_models, key=lambda each: -each.traffic):
            if each.traffic or each.since > until or (each.version in keep and each.version not in kept):
                kept.add(each.version)
                continue
            _logger.info("version %d has no traffic and is undeployed", each.version)
            request = {"endpoint": name, "deployed_model_id": each.id}
            return api.endpoints.undeploy_model(request=request, **options)
        return None

    try:
        while carried_out(api, "undeploy versions that have no traffic", begin, _UNDEPLOY_SECONDS) is not None:
            pass  # one after the other: an Endpoint runs one operation at a time
    except VertexError as e:
        # The new version answers; an old one that stays deployed, and costs money, must not make the push fail.
        _logger.warning("%s The requests go to the right version; an older version stays deployed without traffic.", e)


def _begin_deploy(api: RegistryApi, target: Target, name: str, version: int, options: Mapping[str, Any]) -> Any:
    # In this order: a deployment that ends between the two calls is then in the Endpoint's list.
    busy, settings = at_work(api.endpoints, name, options), settings_of(target)
    endpoint = api.endpoints.get_endpoint(name=name, **options)
    ids = {each.id for each in ours(endpoint, target) if each.version == version}
    if ids:
        _warn_of_other_machines(endpoint, ids, settings)
        return None
    if busy:
        return busy
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
        # Without traffic_split: the version gets no traffic before it is deployed.
    )
    return api.endpoints.deploy_model(request=request, **options)


def _warn_of_other_machines(endpoint: Any, ids: Collection[str], settings: Endpoint) -> None:
    wanted = settings.min_replicas, settings.max_replicas, settings.machine_type
    for each in plain(endpoint).deployed_models:
        resources = each.dedicated_resources
        found = resources.min_replica_count, resources.max_replica_count, resources.machine_spec.machine_type
        if each.id in ids and found != wanted:
            _logger.warning(
                "%s: version %s stays on %d to %d replicas of %s; vertex.registry.endpoint says %d to %d of %s, and "
                "that applies from the next new version on",
                *(endpoint.name, each.model_version_id, *found, *wanted),
            )


def _move_traffic(
    api: RegistryApi, target: Target, name: str, version: int, before: int | None, options: Mapping[str, Any]
) -> Mapping[int, int]:
    endpoint = api.endpoints.get_endpoint(name=name, **options)
    ids = {
        each.version: each.id for each in reversed(ours(endpoint, target))
    }  # if a version is deployed twice, the older one
    if version not in ids:
        raise VertexError(f"{name}: version {version} was deployed, but it is no longer there. Run again.")
    split = {version: 100}
    if before in ids and before is not None and before != version:
        new_traffic = settings_of(target).new_traffic
        split = {version: new_traffic, before: 100 - new_traffic}
    wanted = {ids[each]: percent for each, percent in split.items() if percent}
    if dict(endpoint.traffic_split) != wanted:
        changed = v1.Endpoint(name=name, etag=endpoint.etag, traffic_split=wanted)
        api.endpoints.update_endpoint(endpoint=changed, update_mask={"paths": ["traffic_split"]}, **options)
    return {each: percent for each, percent in split.items() if percent or each == version}
