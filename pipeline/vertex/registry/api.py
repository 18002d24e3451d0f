"""The services of Vertex that a push and a rollback ask."""

from functools import cached_property
from typing import Any

from google.cloud import aiplatform_v1 as v1

from pipeline.vertex.api.client import Api


class RegistryApi(Api):
    """Google Cloud as one config sees it, with its models, Endpoints and metadata."""

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
