"""Defines the MLflow server in which comparisons are recorded."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from configs.base import Settings


class Mlflow(Settings):
    """The MLflow server in which a comparison is recorded when it has ended: a run, and one inside it per candidate.

    Needs the extra `mlflow`. A server that cannot be reached never stops a run: the log has a warning. Credentials come
    from MLflow's own environment variables, such as `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, or
    `MLFLOW_TRACKING_TOKEN`.

    Example:
        compare:
          mlflow:
            tracking_uri: https://mlflow.example.com
            experiment: recommenders
    """

    tracking_uri: str
    """The server, such as `http://localhost:5000`, or another tracking URI of MLflow. It holds no password."""

    experiment: str = Field(min_length=1, max_length=500)
    """The name of MLflow's experiment; it is made if there is none."""

    @field_validator("tracking_uri")
    @classmethod
    def _uri_without_credentials(cls, tracking_uri: str) -> str:
        parts = urlsplit(tracking_uri)
        if parts.username is not None or parts.password is not None:
            raise ValueError(
                "must hold no user and no password; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the "
                "environment instead"
            )
        if not parts.scheme:
            raise ValueError("must be a URI with its scheme, such as http://localhost:5000")
        return tracking_uri
