"""The services of Vertex that a push and a rollback ask."""

from concurrent import futures
from functools import cached_property
from typing import Any

from google.cloud import aiplatform_v1 as v1

from configs.errors import VertexError
from configs.vertex import Vertex
from pipeline.vertex.api.client import Api
from pipeline.vertex.registry.target import Target


class RegistryApi(Api):
    """Google Cloud as one config sees it, with its models, Endpoints and metadata."""

    @classmethod
    def of(cls, target: Target) -> "RegistryApi":
        """As a task of the pipeline sees it, which has no config: what is asked of Vertex needs no more of it."""
        return cls(Vertex.model_construct(**target.model_dump(include={"project", "region", "api_endpoint"})))

    @cached_property
    def models(self) -> Any:
        """Vertex's ModelService."""
        return self.client(v1.ModelServiceClient)

    @cached_property
    def endpoints(self) -> Any:
        """Vertex's EndpointService."""
        return self.client(v1.EndpointServiceClient)

    @cached_property
    def metadata(self) -> Any:
        """Vertex's MetadataService."""
        return self.client(v1.MetadataServiceClient)


def finished(operation: Any, seconds: float) -> Any:
    """What came of a long-running operation.

    Args:
        operation: As a client's method returned it.
        seconds: How long it is waited for; it goes on beyond that.

    Raises:
        VertexError: It is not done by then.
        google.api_core.exceptions.GoogleAPICallError: It failed.
    """
    try:
        return operation.result(timeout=seconds)
    except futures.TimeoutError as e:
        raise VertexError(
            f"{operation.operation.name} is not done after {seconds / 60:g} minutes and goes on. What was served still "
            "is. Run again when it is done: that goes on from there."
        ) from e


def plain(message: Any) -> Any:
    """A message of the API as protobuf has it, without proto-plus's wrapper.

    What is inside a reply comes wrapped, or, with protobuf 3.20 after the answer of a long-running operation was read
    over REST, does not: json_format makes further classes then, which proto-plus does not know. Moments differ too:
    here they are Timestamps. May go with the TFX line that needs protobuf 3.20.
    """
    return type(message).pb(message) if hasattr(type(message), "pb") else message
