"""Makes a pushed model the one that is served: registered, deployed, with traffic and aliases; and an older one again.

The order is that of what needs what: a version must be there before it is deployed, and deployed before it gets
traffic; aliases say who serves, so they come after. Each step looks at what is there before it does anything: what was
interrupted is taken up again by the next push, and what is done is not done twice.
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
"""Longer than a push takes from its deployment to its traffic; Vertex's own limit for a deployment is far below."""

_logger = logging.getLogger("perennial.registry")


@dataclass(frozen=True)
class Registration:
    """What came of it."""

    model: str
    """The version's resource name."""

    number: int
    """The version's number in the registry."""

    is_new: bool
    """Whether it was registered now; else the registry had it."""

    previous: int | None
    """The version that has the alias for the one before."""

    traffic: Mapping[int, int]
    """Percent of the Endpoint's requests by version; empty where there is no Endpoint."""


class Overtaken(VertexError):
    """While a model was registered and deployed, something took it out of service. Nothing else was changed."""


def push(
    api: RegistryApi,
    target: Target,
    pushed: Pushed,
    out: Collection[str],
    why_not: Callable[[], str | None] = lambda: None,
) -> Registration:
    """Makes a newly pushed model the blessed version.

    Args:
        api: Google Cloud.
        target: The model.
        pushed: What is registered.
        out: Digests of the models that a rollback took out of service: none of them is left as the version before.
        why_not: Says why it must not be served any more, or None. Asked again after the deployment, which takes long
            enough for a rollback, and directly before traffic and aliases move.

    Raises:
        Overtaken: `why_not` said so.
        VertexError: Google Cloud refused, or could not be reached; what was served still is.
    """
    version, is_new = register(api, target, pushed)
    versions = registered(api, target)
    blessed = holder(versions, target.registry.blessed_alias)
    is_done = blessed is not None and blessed.number == version.number
    before = holder(versions, target.registry.previous_alias) if is_done else blessed
    if before is not None and before.digest in out:
        before = None
    return _make_live(api, target, version, is_new, previous=before, rest=before, why_not=why_not)


def tidy(api: RegistryApi, target: Target) -> None:
    """Undeploys what pushes that failed have left on the Endpoint, without traffic and paid for.

    To be called by a run that pushes nothing, since a push does it itself. What fails is left for the next run.

    Args:
        api: Google Cloud.
        target: The model.
    """
    if target.endpoint is None:
        return
    try:
        versions = registered(api, target)
    except VertexError as e:
        _logger.warning("%s What failed pushes may have left on the Endpoint stays there.", e)
        return
    blessed = holder(versions, target.registry.blessed_alias)
    endpoint.tidy(api, target, [blessed.number] if blessed else [], _PUSH_SECONDS)


def go_back(api: RegistryApi, target: Target, pushed: Pushed, before: Iterable[str]) -> Registration:
    """Makes an older model the blessed version again, with all the traffic.

    Args:
        api: Google Cloud.
        target: The model.
        pushed: The older model; it is registered anew if its version is gone.
        before: Digests of the models that it may be gone back to next, the best one first: those that were served
            before it and are in service.

    Raises:
        VertexError: Google Cloud refused, or could not be reached; what was served still is.
    """
    version, is_new = register(api, target, pushed)
    versions = registered(api, target)
    newest = {each.digest: each for each in versions}
    # The next one to go back to. Not the one that was served until now: that is withdrawn.
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
