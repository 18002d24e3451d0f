"""Makes a pushed model the one that is served: registered, deployed, with traffic and aliases; and an older one again.

The order is that of what needs what: a version must be there before it is deployed, and deployed before it gets
traffic; aliases say who serves, so they come after. Each step looks at what is there before it does anything: what was
interrupted is taken up again by the next push, and what is done is not done twice.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pipeline.vertex.registry import endpoint
from pipeline.vertex.registry.aliases import move_aliases
from pipeline.vertex.registry.api import RegistryApi
from pipeline.vertex.registry.target import Target
from pipeline.vertex.registry.versions import Pushed, Registered, holder, register, registered


@dataclass(frozen=True)
class Outcome:
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


def push(api: RegistryApi, target: Target, pushed: Pushed, out: Collection[str]) -> Outcome:
    """Makes a newly pushed model the blessed version.

    Args:
        api: Google Cloud.
        target: The model.
        pushed: What is registered.
        out: Digests of the models that a rollback took out of service: none of them is left as the version before.

    Raises:
        VertexError: Google Cloud refused, or could not be reached; what was served still is.
    """
    version, is_new = register(api, target, pushed)
    versions = registered(api, target)
    blessed = holder(versions, target.registry.blessed_alias)
    is_done = blessed is not None and blessed.number == version.number
    before = holder(versions, target.registry.previous_alias) if is_done else blessed
    if before is not None and _is_out(before, out):
        before = None
    return _make_live(api, target, versions, version, is_new, previous=before, rest=before)


def go_back(api: RegistryApi, target: Target, pushed: Pushed, out: Collection[str]) -> Outcome:
    """Makes an older model the blessed version again, with all the traffic.

    Args:
        api: Google Cloud.
        target: The model.
        pushed: The older model; it is registered anew if its version is gone.
        out: Digests of the models that are out of service then.

    Raises:
        VertexError: Google Cloud refused, or could not be reached; what was served still is.
    """
    version, is_new = register(api, target, pushed)
    versions = registered(api, target)
    older = [each for each in versions if each.number < version.number and not _is_out(each, out)]
    # The next one to go back to. Not the one that was served until now: that is withdrawn.
    previous = older[-1] if older else None
    return _make_live(api, target, versions, version, is_new, previous, rest=None)


def _is_out(version: Registered, out: Collection[str]) -> bool:
    return any(version.holds(digest) for digest in out)


def _make_live(
    api: RegistryApi,
    target: Target,
    versions: list[Registered],
    version: Registered,
    is_new: bool,
    previous: Registered | None,
    rest: Registered | None,
) -> Outcome:
    traffic: Mapping[int, int] = {}
    if target.endpoint is not None:
        traffic = endpoint.serve(api, target, version.number, rest.number if rest else None)
    move_aliases(api, target, versions, version, previous)
    if target.endpoint is not None:
        endpoint.tidy(api, target, traffic.keys())
    return Outcome(
        model=f"{target.model}@{version.number}",
        number=version.number,
        is_new=is_new,
        previous=previous.number if previous else None,
        traffic=traffic,
    )
