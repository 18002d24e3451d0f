"""Goes back to an older version wherever a pipeline on Vertex serves: Endpoint, registry, serving folder.

In this order, with the models that go out of service written down in the serving folder before all: from then on no run
pushes them again. The folder's live version changes last, so that a rollback that was interrupted finds the same
version to go back to, and what is done already is as it should be. The next run compares with what is live, and starts
from it, so blessings stay as they are.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from common.errors import ConfigError
from configs.pipeline import PipelineConfig
from configs.vertex.section import Vertex
from configs.vertex.target import Target
from pipeline.cloud.registry.api import RegistryApi
from pipeline.cloud.registry.push import Registration, go_back
from pipeline.cloud.registry.versions import Pushed, registered
from pipeline.store.versions.files import reading
from pipeline.store.versions.folder import Version, versions
from pipeline.store.versions.rollback import Rollback, roll_back


@dataclass(frozen=True)
class VertexRollback:
    """What came of a rollback."""

    folder: Rollback
    """In the serving folder."""

    has_artifact: bool
    """Whether the next run finds the model that was gone back to; else its artifact is gone."""

    registry: Registration | None
    """In the registry and on the Endpoint; None where the config has no registry."""


def roll_back_on_vertex(config: PipelineConfig, number: int, api: RegistryApi) -> VertexRollback:
    """Makes an older version's model live again everywhere, and takes out of service what was first pushed after it.

    Args:
        config: The pipeline, with its `vertex` section.
        number: The version of the serving folder to go back to.
        api: Google Cloud.

    Raises:
        ConfigError: The config has no `vertex` section.
        ModelError: There is no such version, or it was damaged since it was pushed.
        OutputError: The serving folder cannot be written.
        VertexError: Google Cloud refused, or could not be reached. What was served still is, or the older version
            already; run again, it goes on from there.
    """
    vertex = section(config)
    target = Target.of(config) if vertex.registry is not None else None
    if target is not None:
        registered(api, target)  # who may not even look is told before anything is written down
    outcomes: list[Registration] = []

    def elsewhere(version: Version, standing: Sequence[Version], out: Collection[str]) -> None:
        if target is not None:
            before = [
                each.digest
                for each in sorted(standing, key=lambda each: -each.origin)
                if each.origin < version.origin and each.digest not in {version.digest, *out}
            ]
            outcomes.append(go_back(api, target, Pushed(version.digest, version.path), before))

    folder = roll_back(vertex.serving_dir, config.push.keep_versions, None, number, elsewhere)
    with reading(vertex.serving_dir):
        has_artifact = versions(vertex.serving_dir)[-1].has_artifact
    return VertexRollback(folder, has_artifact, outcomes[0] if outcomes else None)


def section(config: PipelineConfig) -> Vertex:
    """The config's `vertex` section.

    Raises:
        ConfigError: There is none.
    """
    if config.vertex is None:
        raise ConfigError(
            f"pipeline {config.name}: the config has no 'vertex' section, so nothing is served there. For models of "
            "this machine: `perennial versions list` and `perennial versions rollback`."
        )
    return config.vertex
