"""Lists the versions in the serving folder, in the registry and on the Endpoint."""

from typing import Any

from configs.pipeline import PipelineConfig
from configs.vertex.target import Target
from pipeline.cloud.registry.api import RegistryApi
from pipeline.cloud.registry.endpoint_lookup import deployed
from pipeline.cloud.registry.rollback import section
from pipeline.cloud.registry.versions import Registered, registered
from pipeline.store.versions.listing import listing

_NOT_IN_THE_FOLDER: dict[str, Any] = dict.fromkeys(
    ("version", "pushed_at", "live", "withdrawn", "rolled_back_to", "model_digest", "metrics", "warm", "bytes")
)


def vertex_listing(config: PipelineConfig, api: RegistryApi) -> list[dict[str, Any]]:
    """Lists all versions of the serving folder and of the registry, the oldest first.

    Each version of the folder has one row, with what the registry knows of its model; so does each version that only
    the registry has.

    Args:
        config: The pipeline, with its `vertex` section.
        api: Google Cloud; it is called only if the config has a registry.

    Returns:
        JSON values for each row: those of `pipeline.store.versions.listing.listing`, which are None for a version that
        only the registry has, and `registry_version`, `aliases`, and `traffic` (percent; None if it is not deployed).

    Raises:
        ConfigError: The config has no `vertex` section.
        VertexError: Google Cloud refused, or could not be reached.
    """
    rows = listing(section(config).serving_dir)
    if section(config).registry is None:
        return [{**row, **_registry_part(None, {})} for row in rows]
    target = Target.of(config)
    known = registered(api, target)
    traffic: dict[int, int] = {}
    for each in deployed(api, target) if target.endpoint is not None else []:
        traffic[each.version] = traffic.get(each.version, 0) + each.traffic
    folder_rows, shown = [], set[int]()
    for row in rows:
        found = [version for version in known if version.digest == row["model_digest"]]
        shown |= {version.number for version in found}
        folder_rows.append({**row, **_registry_part(found[-1] if found else None, traffic)})
    registry_only = [
        {**_NOT_IN_THE_FOLDER, "model_digest": version.digest, **_registry_part(version, traffic)}
        for version in known
        if version.number not in shown
    ]
    return registry_only + folder_rows


def _registry_part(version: Registered | None, traffic: dict[int, int]) -> dict[str, Any]:
    return {
        "registry_version": version.number if version else None,
        "aliases": sorted(version.aliases) if version else [],
        "traffic": traffic.get(version.number) if version else None,
    }
