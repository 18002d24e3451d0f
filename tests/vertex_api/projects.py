"""Simulates the part of the Resource Manager API that finds a project's number."""

from typing import Any

from google.cloud import resourcemanager_v3 as v3

from tests.vertex_api.resources import PROJECT
from tests.vertex_api.rest import ApiError, Route
from tests.vertex_api.storage import PROJECT_NUMBER


class Projects:
    """One project."""

    def routes(self) -> list[Route]:
        # PipelineJob.submit, and so `tfx run create`, asks whether the bucket is the project's.
        return [Route("GetProject", "GET", "/v3/{name=projects/*}", v3.GetProjectRequest, self._get)]

    def _get(self, request: Any) -> Any:
        if request.name != f"projects/{PROJECT}":
            raise ApiError(403, f"no permission for {request.name}")
        return v3.Project(name=f"projects/{PROJECT_NUMBER}", project_id=PROJECT)
