"""Moves aliases between versions so that each alias points to a version at every moment.

Only one version has an alias: the call that gives it to another version takes it from the first
(https://cloud.google.com/vertex-ai/docs/model-registry/model-alias). So this module never removes an alias first.
"""

from collections.abc import Iterable

from configs.vertex.target import Target
from pipeline.cloud.registry.api import RegistryApi
from pipeline.cloud.registry.versions import Registered, holder

DEFAULT_ALIAS = "default"
"""The registry's own alias: the version that is used if none is named. It moves with the blessed alias."""


def move_aliases(
    api: RegistryApi,
    target: Target,
    versions: Iterable[Registered],
    blessed: Registered,
    previous: Registered | None,
) -> None:
    """Sets the aliases of the version to serve and of the version that was served before it.

    Args:
        api: Google Cloud.
        target: The model.
        versions: All versions, with the aliases that they have.
        blessed: The version to serve.
        previous: The version that was served before it. None: no version has the alias for it afterwards.

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
