"""Defines where the model runs that the service asks."""

from pydantic import Field, model_validator

from configs.base import Settings


class TfServing(Settings):
    """A TensorFlow Serving server, asked by gRPC.

    Example:
        service:
          backend: tf_serving
          tf_serving: {address: "recommender:8500", model_name: shop}
    """

    address: str = Field(pattern=r"^(unix:.+|[^\s/:]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5})$")
    """Host and gRPC port, such as `recommender:8500`, or a Unix socket, such as `unix:/run/model.sock`."""

    model_name: str = Field(min_length=1)
    """The name under which the server serves the model. The service asks for one version by its number."""

    tls: bool = False
    """Whether the connection is encrypted. Always so if one of the files below is named."""

    ca_file: str | None = None
    """File with the certificates of the authorities that sign the server's, PEM. None: those that gRPC knows."""

    certificate_file: str | None = None
    """File with the service's own certificate, PEM, for a server that asks for one."""

    key_file: str | None = None
    """File with that certificate's key, PEM."""

    @model_validator(mode="after")
    def _certificate_and_key_go_together(self) -> "TfServing":
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together: set both or neither")
        return self

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection is encrypted."""
        return self.tls or self.ca_file is not None or self.certificate_file is not None


class VertexEndpoint(Settings):
    """A Vertex Endpoint, asked by REST with the credentials of the machine.

    Example:
        service:
          backend: vertex
          vertex_endpoint: {project: my-project, region: europe-west4, endpoint: "1234567890"}
    """

    project: str = Field(pattern=r"^[a-z][a-z0-9:.-]{4,61}[a-z0-9]$")
    """The Google Cloud project's id."""

    region: str = Field(pattern=r"^[a-z]+-[a-z]+[0-9]+$")
    """Region of the Endpoint."""

    endpoint: str = Field(pattern=r"^[0-9]+$")
    """The Endpoint's id, in quotes: digits."""

    api_endpoint: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Another address of the API, such as one of Private Service Connect. None: that of the region."""
