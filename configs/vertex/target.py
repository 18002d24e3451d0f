"""Defines what a push must know about project, model and Endpoint; an execution property of the component."""

from common.errors import ConfigError
from configs.base import Settings
from configs.pipeline import PipelineConfig
from configs.vertex.registry import Endpoint, Registry


class Target(Settings):
    """One model of the Model Registry, of which each push is a version.

    No path is in it: where a model lies comes with the model.
    """

    pipeline: str
    """Whose models they are."""

    project: str
    """The Google Cloud project's id."""

    region: str
    """Where the model is, such as `europe-west4`."""

    api_endpoint: str | None
    """Where the API is. None: the region's own."""

    registry: Registry
    """The config's section."""

    @classmethod
    def of(cls, config: PipelineConfig) -> "Target":
        """What a config says.

        Raises:
            ConfigError: It says nothing of a registry.
        """
        vertex = config.vertex
        if vertex is None or vertex.registry is None:
            raise ConfigError(
                f"pipeline {config.name}: the config has no vertex.registry section, so there is no model to register "
                "versions of. Add vertex: registry: with serving_image."
            )
        return cls(
            pipeline=config.name,
            project=vertex.project,
            region=vertex.region,
            api_endpoint=vertex.api_endpoint,
            registry=vertex.registry,
        )

    @property
    def endpoint(self) -> Endpoint | None:
        """The Endpoint's settings, if there is to be one."""
        return self.registry.endpoint

    @property
    def location(self) -> str:
        """The parent of all resources."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def model_id(self) -> str:
        """The model's id."""
        return self.registry.model_id or self.pipeline

    @property
    def model(self) -> str:
        """The model's resource name, without a version."""
        return f"{self.location}/models/{self.model_id}"
