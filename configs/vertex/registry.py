"""Defines the Model Registry for pushed models, and the Endpoint that serves them."""

from typing import Annotated

from pydantic import Field, model_validator

from configs.base import Settings

Alias = Annotated[str, Field(pattern=r"^[a-z][a-zA-Z0-9-]{0,125}[a-z0-9]$")]
Percent = Annotated[int, Field(ge=0, le=100)]


class Endpoint(Settings):
    """An Endpoint that answers online requests with the Model Registry's versions.

    Example:
        vertex:
          registry:
            serving_image: europe-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest
            endpoint: {display_name: recommender, machine_type: n1-standard-4, new_traffic: 10}
    """

    display_name: str = Field(min_length=1, max_length=128)
    """Display name. The Endpoint of this name is used; if there is none, it is created."""

    machine_type: str = Field(default="n1-standard-2", pattern=r"^[a-z0-9]+-[a-z0-9-]+$")
    """Machine type of each replica."""

    min_replicas: int = Field(default=1, ge=1)
    """Least number of replicas, which always run."""

    max_replicas: int = Field(default=1, ge=1)
    """Largest number of replicas."""

    new_traffic: Percent = 100
    """Per cent of the requests that a new version gets. The version before keeps the rest; without one, the new version
    gets all."""

    @model_validator(mode="after")
    def _in_order(self) -> "Endpoint":
        if self.max_replicas < self.min_replicas:
            raise ValueError(f"max_replicas is below min_replicas, which is {self.min_replicas}")
        return self


class Registry(Settings):
    """The Model Registry: one model, of which each push is a version.

    Example:
        vertex:
          registry:
            model_id: shop_recommender
            serving_image: europe-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest
    """

    model_id: str | None = Field(default=None, pattern=r"^[a-z_][a-z0-9_-]{0,62}$")
    """The model's id. None: the pipeline's name."""

    serving_image: str = Field(min_length=1)
    """The container image that serves the SavedModel, such as one of Vertex's prebuilt TensorFlow images."""

    blessed_alias: Alias = "blessed"
    """The alias of the version that is to be served."""

    previous_alias: Alias = "previous"
    """The alias of the version that was served before it."""

    endpoint: Endpoint | None = None
    """The Endpoint to which the newest version is deployed. None: the version is only registered."""

    @model_validator(mode="after")
    def _aliases_differ(self) -> "Registry":
        if self.previous_alias in (self.blessed_alias, "default"):
            raise ValueError(
                "previous_alias must not be blessed_alias, and not 'default', which moves together with blessed_alias"
            )
        return self
