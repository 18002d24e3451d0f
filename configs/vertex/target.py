"""Defines what a push must know about project, model and Endpoint; an execution property of the component."""

from common.errors import ConfigError
from configs.base import Settings
from configs.pipeline import PipelineConfig
from configs.vertex.registry import Endpoint, Registry


class Target(Settings):
    """One model of the Model Registry, of which each push is a version.

    It holds no path: the path of a model comes with the model's artifact.
    """

    pipeline: str
    """The name of the pipeline whose models are pushed."""

    project: str
    """The Google Cloud project's id."""

    region: str
    """The region of the registry, such as `europe-west4`."""

    api_endpoint: str | None
    """The address of the API. None: the region's own."""

    registry: Registry
    """The section `vertex.registry` of the config."""

    @classmethod
    def of(cls, config: PipelineConfig) -> "Target":
        """The target in a config.

        Raises:
            ConfigError: The config has no registry section.
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
        """The Endpoint's settings; None if the model is only registered."""
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
