"""Moves aliases between versions so that each leads somewhere at every moment.

An alias is of one version alone: given to another, it is taken from the one that had it, in the same call
(https://cloud.google.com/vertex-ai/docs/model-registry/model-alias). So none is ever removed first.
"""

from collections.abc import Iterable

from configs.vertex.target import Target
from pipeline.cloud.registry.api import RegistryApi
from pipeline.cloud.registry.versions import Registered, holder

DEFAULT_ALIAS = "default"
"""The registry's own: the version that is meant where none is named. It goes with the blessed one."""


def move_aliases(
    api: RegistryApi,
    target: Target,
    versions: Iterable[Registered],
    blessed: Registered,
    previous: Registered | None,
) -> None:
    """Says which version is to be served, and which was before it.

    Args:
        api: Google Cloud.
        target: The model.
        versions: All versions, with the aliases that they have.
        blessed: Which is to be served.
        previous: Which was served before it. None: no version is to be called so.

    Raises:
        VertexError: Google Cloud refused, or could not be reached.
    """
    known = list(versions)
    before, names = target.registry.previous_alias, {target.registry.blessed_alias, DEFAULT_ALIAS}
    if previous is not None and before not in previous.aliases:
        _merge(api, target, previous, [before])
    if missing := sorted(names - blessed.aliases):
        _merge(api, target, blessed, missing)
    was_before = holder(known, before)
    if previous is None and was_before is not None:
        _merge(api, target, was_before, [f"-{before}"])


def _merge(api: RegistryApi, target: Target, version: Registered, aliases: list[str]) -> None:
    name = f"{target.model}@{version.number}"
    api.call(
        f"set the aliases {', '.join(aliases)} of {name}",
        lambda options: api.models.merge_version_aliases(name=name, version_aliases=aliases, **options),
    )
