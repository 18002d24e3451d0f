"""What a push needs to know of the project, the model and the Endpoint; an execution property of the component."""

from configs.base import Settings
from configs.errors import ConfigError
from configs.pipeline import PipelineConfig
from configs.vertex import Endpoint, Registry, Vertex

_NEEDED = {"project", "region", "api_endpoint", "pipeline_root", "data_dir", "serving_dir", "image", "registry"}
"""Fields of the `vertex` section, with those that it cannot be without. Others must not change the cache key."""


class Target(Settings):
    """One model of the Model Registry, of which each push is a version."""

    pipeline: str
    """Whose models they are."""

    vertex: Vertex
    """The config's section, as far as a push needs it."""

    @classmethod
    def of(cls, config: PipelineConfig) -> "Target":
        """What a config says.

        Raises:
            ConfigError: It says nothing of a registry.
        """
        if config.vertex is None or config.vertex.registry is None:
            raise ConfigError(
                f"pipeline {config.name}: the config has no vertex.registry section, so there is no model to register "
                "versions of. Add vertex: registry: with serving_image."
            )
        vertex = Vertex.model_validate(config.vertex.model_dump(mode="json", include=_NEEDED))
        return cls(pipeline=config.name, vertex=vertex)

    @property
    def registry(self) -> Registry:
        """The registry's settings."""
        assert self.vertex.registry is not None  # else there were no target
        return self.vertex.registry

    @property
    def endpoint(self) -> Endpoint | None:
        """The Endpoint's settings, if there is to be one."""
        return self.registry.endpoint

    @property
    def location(self) -> str:
        """The parent of all resources."""
        return f"projects/{self.vertex.project}/locations/{self.vertex.region}"

    @property
    def model_id(self) -> str:
        """The model's id."""
        return self.registry.model_id or self.pipeline

    @property
    def model(self) -> str:
        """The model's resource name, without a version."""
        return f"{self.location}/models/{self.model_id}"
