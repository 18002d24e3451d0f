"""Rolls a pipeline on Vertex back to an older version: on the Endpoint, in the registry, in the serving folder.

The steps have this order. Before all of them, the withdrawn models are recorded in the serving folder: from then on no
run pushes them again. The folder's live version changes last, so that an interrupted rollback finds the same target
when it is run again; the steps that are done already change nothing then. The next run compares with the live model and
starts from it, so blessings stay as they are.
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
    """The result of a rollback."""

    folder: Rollback
    """The result in the serving folder."""

    has_artifact: bool
    """Whether the next run finds the target model; False if its artifact is gone."""

    registry: Registration | None
    """The result in the registry and on the Endpoint; None if the config has no registry."""


def roll_back_on_vertex(config: PipelineConfig, number: int, api: RegistryApi) -> VertexRollback:
    """Makes an older version's model live again everywhere, and withdraws the models that were first pushed after it.

    Args:
        config: The pipeline, with its `vertex` section.
        number: The version of the serving folder to return to.
        api: Google Cloud.

    Raises:
        ConfigError: The config has no `vertex` section.
        ModelError: There is no such version, or its files have changed since it was pushed.
        OutputError: The serving folder cannot be written.
        VertexError: Google Cloud refused, or could not be reached. Either the current or the older version is served;
            run the rollback again to continue it.
    """
    vertex = section(config)
    target = Target.of(config) if vertex.registry is not None else None
    if target is not None:
        registered(api, target)  # raises if the account may not even read the registry, before anything is written
    outcomes: list[Registration] = []

    def elsewhere(version: Version, standing: Sequence[Version], withdrawn_models: Collection[str]) -> None:
        if target is not None:
            before = [
                each.digest
                for each in sorted(standing, key=lambda each: -each.origin)
                if each.origin < version.origin and each.digest not in {version.digest, *withdrawn_models}
            ]
            outcomes.append(go_back(api, target, Pushed(version.digest, version.path), before))

    folder = roll_back(vertex.serving_dir, config.push.keep_versions, None, number, elsewhere)
    with reading(vertex.serving_dir):
        has_artifact = versions(vertex.serving_dir)[-1].has_artifact
    return VertexRollback(folder, has_artifact, outcomes[0] if outcomes else None)


def section(config: PipelineConfig) -> Vertex:
    """Returns the config's `vertex` section.

    Raises:
        ConfigError: The config has no such section.
    """
    if config.vertex is None:
        raise ConfigError(
            f"pipeline {config.name}: the config has no 'vertex' section, so no model is served on Vertex. For models "
            "on this machine, use `perennial versions list` and `perennial versions rollback`."
        )
    return config.vertex
