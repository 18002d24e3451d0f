"""Makes a pushed model the served one: registers it, deploys it, moves traffic and aliases. A rollback does the same.

The order follows the dependencies: a version must be registered before it is deployed, and deployed before it gets
traffic; aliases name the served version, so they move last. Each step looks first at what exists: the next push
continues an interrupted one, and no step is done twice.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from common.errors import VertexError
from configs.vertex.target import Target
from pipeline.cloud.registry import endpoint
from pipeline.cloud.registry.aliases import move_aliases
from pipeline.cloud.registry.api import RegistryApi
from pipeline.cloud.registry.versions import Pushed, Registered, holder, register, registered

_PUSH_SECONDS = 2 * 3600
"""More than the longest time of a push between deployment and traffic; Vertex's limit for a deployment is far less."""

_logger = logging.getLogger("perennial.registry")


@dataclass(frozen=True)
class Registration:
    """The result of a push or rollback in the registry."""

    model: str
    """The version's resource name."""

    number: int
    """The version's number in the registry."""

    is_new: bool
    """Whether it was registered now; False if the registry had it already."""

    previous: int | None
    """The version that has the alias for the previous version."""

    traffic: Mapping[int, int]
    """Percent of the Endpoint's requests by version; empty where there is no Endpoint."""


class Overtaken(VertexError):
    """The model was withdrawn while it was registered and deployed. Traffic and aliases were not changed."""


def push(
    api: RegistryApi,
    target: Target,
    pushed: Pushed,
    withdrawn_models: Collection[str],
    why_not: Callable[[], str | None] = lambda: None,
) -> Registration:
    """Makes a newly pushed model the blessed version.

    Args:
        api: Google Cloud.
        target: The model.
        pushed: The model to register.
        withdrawn_models: Digests of the models that a rollback took out of service; none of them becomes the previous
            version.
        why_not: Returns the reason why the model must not be served any more, or None. It is called after the
            deployment, during which a rollback may happen, and directly before traffic and aliases move.

    Raises:
        Overtaken: `why_not` returned a reason.
        VertexError: Google Cloud refused, or could not be reached; the served version stays served.
    """
    version, is_new = register(api, target, pushed)
    versions = registered(api, target)
    blessed = holder(versions, target.registry.blessed_alias)
    is_done = blessed is not None and blessed.number == version.number
    before = holder(versions, target.registry.previous_alias) if is_done else blessed
    if before is not None and before.digest in withdrawn_models:
        before = None
    return _make_live(api, target, version, is_new, previous=before, rest=before, why_not=why_not)


def tidy(api: RegistryApi, target: Target) -> None:
    """Undeploys versions that failed pushes left on the Endpoint: they have no traffic but cost money.

    Call it in a run that pushes nothing, since a push does it itself. If it fails, the next run tries again.

    Args:
        api: Google Cloud.
        target: The model.
    """
    if target.endpoint is None:
        return
    try:
        versions = registered(api, target)
    except VertexError as e:
        _logger.warning("%s Versions that failed pushes may have left on the Endpoint stay there.", e)
        return
    blessed = holder(versions, target.registry.blessed_alias)
    endpoint.tidy(api, target, [blessed.number] if blessed else [], _PUSH_SECONDS)


def go_back(api: RegistryApi, target: Target, pushed: Pushed, before: Iterable[str]) -> Registration:
    """Makes an older model the blessed version again, with all the traffic.

    Args:
        api: Google Cloud.
        target: The model.
        pushed: The older model; it is registered again if its version is gone.
        before: Digests of the models that a next rollback may return to, the best one first: those that were served
            before it and were not withdrawn.

    Raises:
        VertexError: Google Cloud refused, or could not be reached; the served version stays served.
    """
    version, is_new = register(api, target, pushed)
    versions = registered(api, target)
    newest = {each.digest: each for each in versions}
    # The target of a next rollback. Not the version that was served until now: it is withdrawn.
    previous = next((newest[digest] for digest in before if digest in newest), None)
    return _make_live(api, target, version, is_new, previous, rest=None, why_not=lambda: None)


def _make_live(
    api: RegistryApi,
    target: Target,
    version: Registered,
    is_new: bool,
    previous: Registered | None,
    rest: Registered | None,
    why_not: Callable[[], str | None],
) -> Registration:
    name = endpoint.deploy(api, target, version.number) if target.endpoint is not None else ""
    if reason := why_not():
        raise Overtaken(reason)
    traffic: Mapping[int, int] = {}
    if name:
        traffic = endpoint.move_traffic(api, target, name, version.number, rest.number if rest else None)
    move_aliases(api, target, registered(api, target), version, previous)
    if name:
        endpoint.tidy(api, target, traffic.keys())
    return Registration(
        model=f"{target.model}@{version.number}",
        number=version.number,
        is_new=is_new,
        previous=previous.number if previous else None,
        traffic=traffic,
    )
