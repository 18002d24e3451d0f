"""MetadataService's artifacts: what Vertex Pipelines records, and what is changed of it."""

import re
from typing import Any

from google.cloud.aiplatform_v1 import types

from tests.vertex_api.operations import fill, new, plain
from tests.vertex_api.resources import PARENT, Clock, page
from tests.vertex_api.rest import ApiError, Route

_STORE = f"{PARENT}/metadataStores/default"
_ARTIFACTS = "projects/*/locations/*/metadataStores/*"
_CONDITION = re.compile(r'(?P<field>schema_title|uri)="(?P<text>[^"]*)"|state=(?P<state>LIVE)')


class Artifacts:
    """The artifacts of one metadata store."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.artifacts: dict[str, Any] = {}
        """By resource name."""

        self._clock = clock or Clock()

    def routes(self) -> list[Route]:
        listing = f"/v1/{{parent={_ARTIFACTS}}}/artifacts"
        one = f"{_ARTIFACTS}/artifacts/*"
        update = f"/v1/{{artifact.name={one}}}"
        return [
            Route("ListArtifacts", "GET", listing, types.ListArtifactsRequest, self._list),
            Route("GetArtifact", "GET", f"/v1/{{name={one}}}", types.GetArtifactRequest, lambda r: self._one(r.name)),
            Route("UpdateArtifact", "PATCH", update, types.UpdateArtifactRequest, self._update, "artifact"),
        ]

    def put(self, schema_title: str, uri: str = "", **metadata: Any) -> Any:
        """Records one, as a pipeline does."""
        name = f"{_STORE}/artifacts/{len(self.artifacts) + 1}"
        self.artifacts[name] = artifact = new(types.Artifact)
        artifact.name, artifact.schema_title, artifact.uri, artifact.etag = name, schema_title, uri, "1"
        artifact.state = types.Artifact.State.LIVE
        artifact.create_time.FromDatetime(self._clock.now())
        artifact.metadata.update(metadata)
        return artifact

    def _list(self, request: types.ListArtifactsRequest) -> Any:
        if request.parent != _STORE:
            raise ApiError(404, f"{request.parent} is not found")
        if not 0 <= request.page_size <= 1000:
            raise ApiError(400, "page_size must be in range 1-1000")
        found = list(self.artifacts.values())
        for part in request.filter.split(" AND ") if request.filter else []:
            match = _CONDITION.fullmatch(part)
            if match is None:
                raise ApiError(400, f"cannot parse the filter {part!r}")
            if match["state"]:
                found = [each for each in found if types.Artifact.State(each.state).name == match["state"]]
            else:
                found = [each for each in found if getattr(each, match["field"]) == match["text"]]
        # Three a page and the newest first, so that whoever reads one page, or relies on an order, is found out.
        some, token = page(found[::-1], request.page_size, request.page_token, largest=3)
        answer = new(types.ListArtifactsResponse)
        answer.next_page_token = token
        for each in some:
            fill(answer.artifacts.add(), each)
        return answer

    def _update(self, request: types.UpdateArtifactRequest) -> Any:
        artifact = self._one(request.artifact.name)
        if list(request.update_mask.paths) != ["metadata"]:
            raise ApiError(400, f"update_mask {list(request.update_mask.paths)}")
        if request.artifact.etag and request.artifact.etag != artifact.etag:
            raise ApiError(409, "etag does not match")
        artifact.metadata.Clear()
        fill(artifact.metadata, plain(request).artifact.metadata)
        artifact.etag = str(int(artifact.etag) + 1)
        return artifact

    def _one(self, name: str) -> Any:
        if name not in self.artifacts:
            raise ApiError(404, f"{name} is not found")
        return self.artifacts[name]
