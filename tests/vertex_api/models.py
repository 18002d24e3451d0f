"""Simulates ModelService: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.models."""

import re
from typing import Any

from google.cloud.aiplatform_v1 import types

from tests.vertex_api.operations import Operations, by_id, by_number, fill, new
from tests.vertex_api.resources import Clock, check_parent, page
from tests.vertex_api.rest import ApiError, Route

_MODEL = "/v1/{name=projects/*/locations/*/models/*}"
_ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]")
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}=[a-z0-9_-]{0,63}")


class Models:
    """Models and their versions."""

    def __init__(self, operations: Operations, clock: Clock | None = None) -> None:
        self.versions: dict[str, dict[int, Any]] = {}
        """Versions by the model's name, with the project's id, and then by number."""

        self._operations, self._clock = operations, clock or Clock()

    def routes(self) -> list[Route]:
        upload = "/v1/{parent=projects/*/locations/*}/models:upload"
        merge = f"{_MODEL}:mergeVersionAliases"
        return [
            Route("UploadModel", "POST", upload, types.UploadModelRequest, self._upload, "*"),
            Route("GetModel", "GET", _MODEL, types.GetModelRequest, lambda request: self.get(request.name)),
            Route("ListModelVersions", "GET", f"{_MODEL}:listVersions", types.ListModelVersionsRequest, self._list),
            Route("MergeVersionAliases", "POST", merge, types.MergeVersionAliasesRequest, self._merge, "*"),
        ]

    def get(self, name: str) -> Any:
        """A version by its number or alias after `@`; without one, the default version."""
        model, _, version_id = by_id(name).partition("@")
        for number, version in self.versions.get(model, {}).items():
            if version_id == str(number) or (version_id or "default") in version.version_aliases:
                return version
        raise ApiError(404, f"The Model {name} is not found.")

    def _list(self, request: types.ListModelVersionsRequest) -> Any:
        self._operations.tick()
        if by_id(request.name) not in self.versions:
            raise ApiError(404, f"The Model {request.name} is not found.")
        # Two on a page, so that a client that reads only one page fails.
        versions = list(self.versions[by_id(request.name)].values())
        found, token = page(versions, request.page_size, request.page_token, largest=2)
        answer = new(types.ListModelVersionsResponse)
        answer.next_page_token = token
        for each in found:
            fill(answer.models.add(), each)
        return answer

    def _upload(self, request: types.UploadModelRequest) -> Any:
        check_parent(request.parent)
        model = request.model
        if not model.display_name or not model.container_spec.image_uri:
            raise ApiError(400, "model.display_name and model.container_spec.image_uri are required")
        if not model.artifact_uri.startswith("gs://"):
            raise ApiError(400, f"model.artifact_uri must begin with gs://; received {model.artifact_uri!r}")
        for key, value in model.labels.items():
            if not _LABEL.fullmatch(f"{key}={value}"):
                raise ApiError(400, f"label {key}={value!r}")
        if bool(request.parent_model) == bool(request.model_id):
            raise ApiError(400, "one of parent_model and model_id")
        name = by_id(request.parent_model) or f"{request.parent}/models/{request.model_id}"
        if request.parent_model and name not in self.versions:
            raise ApiError(404, f"The Model {name} is not found.")
        if request.model_id and name in self.versions:
            raise ApiError(409, f"The Model {name} already exists.")
        if request.model_id and not re.fullmatch(r"[a-z_][a-z0-9_-]{0,62}", request.model_id):
            raise ApiError(400, f"model_id {request.model_id!r}")
        return self._operations.start("UploadModel", name, lambda: self._make(name, model))

    def _make(self, name: str, asked: Any) -> types.UploadModelResponse:
        versions = self.versions.setdefault(name, {})
        number = max(versions, default=0) + 1
        versions[number] = model = fill(new(types.Model), asked)
        model.name, model.version_id = by_number(name), str(number)
        model.version_create_time.FromDatetime(self._clock.now())
        aliases = list(model.version_aliases) + ([] if len(versions) > 1 else ["default"])
        del model.version_aliases[:]
        self._give(name, model, aliases)
        return types.UploadModelResponse(model=model.name, model_version_id=model.version_id)

    def _merge(self, request: types.MergeVersionAliasesRequest) -> Any:
        model, _, number = by_id(request.name).partition("@")
        if not number.isdigit():
            raise ApiError(400, f"{request.name}: a version id must be explicitly included")
        version = self.get(request.name)
        self._give(model, version, list(request.version_aliases))
        return version

    def _give(self, name: str, version: Any, aliases: list[str]) -> None:
        for alias in aliases:
            if not _ALIAS.fullmatch(alias.removeprefix("-")):
                raise ApiError(400, f"alias {alias!r}")
            if alias == "-default":
                raise ApiError(400, "there must be exactly one default version alias for a model")
            # An alias that one version gets is taken from the other.
            for each in [version] if alias.startswith("-") else self.versions[name].values():
                if alias.removeprefix("-") in each.version_aliases:
                    each.version_aliases.remove(alias.removeprefix("-"))
            if not alias.startswith("-"):
                version.version_aliases.append(alias)
