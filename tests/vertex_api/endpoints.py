"""Simulates EndpointService: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.endpoints."""

import re
from collections.abc import Mapping
from typing import Any

from google.cloud.aiplatform_v1 import types

from tests.vertex_api.models import Models
from tests.vertex_api.operations import Operations, by_id, by_number, fill, new
from tests.vertex_api.resources import Clock, check_parent, filtered, page
from tests.vertex_api.rest import ApiError, Route

_ENDPOINTS = "/v1/{parent=projects/*/locations/*}/endpoints"
_ENDPOINT = "projects/*/locations/*/endpoints/*"


class Endpoints:
    """Endpoints, and the models that answered at each moment."""

    def __init__(self, models: Models, operations: Operations, clock: Clock | None = None) -> None:
        self.endpoints: dict[str, Any] = {}
        """Endpoints by name, with the project's id."""

        self.answered: list[dict[str, int]] = []
        """After each change: the deployed models with traffic, as percent by `<model id>@<version>`."""

        self._models, self._operations, self._clock = models, operations, clock or Clock()
        self._changes = 0

    def routes(self) -> list[Route]:
        update = f"/v1/{{endpoint.name={_ENDPOINT}}}"
        deploy, undeploy = (f"/v1/{{endpoint={_ENDPOINT}}}:{verb}" for verb in ("deployModel", "undeployModel"))
        return [
            Route("CreateEndpoint", "POST", _ENDPOINTS, types.CreateEndpointRequest, self._create, "endpoint"),
            Route("ListEndpoints", "GET", _ENDPOINTS, types.ListEndpointsRequest, self._list),
            Route("GetEndpoint", "GET", f"/v1/{{name={_ENDPOINT}}}", types.GetEndpointRequest, self._get),
            Route("UpdateEndpoint", "PATCH", update, types.UpdateEndpointRequest, self._update, "endpoint"),
            Route("DeployModel", "POST", deploy, types.DeployModelRequest, self._deploy, "*"),
            Route("UndeployModel", "POST", undeploy, types.UndeployModelRequest, self._undeploy, "*"),
        ]

    def put(self, name: str, display_name: str) -> Any:
        """Adds an Endpoint."""
        self.endpoints[by_id(name)] = endpoint = new(types.Endpoint)
        endpoint.name, endpoint.display_name, endpoint.etag = by_number(name), display_name, "0"
        return endpoint

    def put_deployed(self, name: str, deployed_id: str, model: str, version: int) -> Any:
        """Deploys a version to an Endpoint, without traffic."""
        deployed = self.endpoints[by_id(name)].deployed_models.add()
        deployed.id, deployed.model, deployed.model_version_id = deployed_id, by_number(model), str(version)
        deployed.create_time.FromDatetime(self._clock.now())
        return deployed

    def split(self, name: str, split: Mapping[str, int]) -> None:
        """Sets the traffic, in percent by the id of the deployed model."""
        endpoint = self.endpoints[by_id(name)]
        if split and (sum(split.values()) != 100 or not split.keys() <= {each.id for each in endpoint.deployed_models}):
            raise ApiError(400, f"traffic_split {dict(split)}: of what is deployed, adding up to 100")
        endpoint.traffic_split.clear()
        endpoint.traffic_split.update(split)
        self._changed(endpoint)

    def _create(self, request: types.CreateEndpointRequest) -> Any:
        check_parent(request.parent)
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", request.endpoint_id):
            raise ApiError(400, f"endpoint_id {request.endpoint_id!r}")
        name = f"{request.parent}/endpoints/{request.endpoint_id}"
        if name in self.endpoints:
            raise ApiError(409, f"{name} already exists")
        return self._operations.start("CreateEndpoint", name, lambda: self.put(name, request.endpoint.display_name))

    def _list(self, request: types.ListEndpointsRequest) -> Any:
        check_parent(request.parent)
        fields = {"display_name": lambda endpoint: endpoint.display_name}
        found, token = page(filtered(self.endpoints.values(), request.filter, fields), 1, request.page_token)
        answer = new(types.ListEndpointsResponse)
        answer.next_page_token = token
        for each in found:
            fill(answer.endpoints.add(), each)
        return answer

    def _get(self, request: types.GetEndpointRequest) -> Any:
        self._operations.tick()
        return self._endpoint(request.name)

    def _update(self, request: types.UpdateEndpointRequest) -> Any:
        if list(request.update_mask.paths) != ["traffic_split"]:
            raise ApiError(400, f"update_mask {list(request.update_mask.paths)}")
        endpoint = self._at_rest(request.endpoint.name)
        if request.endpoint.etag and request.endpoint.etag != endpoint.etag:
            raise ApiError(409, "etag does not match")
        self.split(endpoint.name, dict(request.endpoint.traffic_split))
        return endpoint

    def _deploy(self, request: types.DeployModelRequest) -> Any:
        endpoint, deployed = self._at_rest(request.endpoint), request.deployed_model
        resources = deployed.dedicated_resources
        if not resources.machine_spec.machine_type or not 1 <= resources.min_replica_count <= (
            resources.max_replica_count or resources.min_replica_count
        ):
            raise ApiError(400, "dedicated_resources need a machine_type and min_replica_count >= 1")
        version = self._models.get(deployed.model)

        def effect() -> Any:
            made = self.put_deployed(endpoint.name, str(1000 + self._changes), version.name, int(version.version_id))
            fill(made.dedicated_resources, resources)
            self._changed(endpoint)
            if request.traffic_split:
                split = dict(request.traffic_split)
                self.split(endpoint.name, {made.id if key == "0" else key: part for key, part in split.items()})
            answer = new(types.DeployModelResponse)
            fill(answer.deployed_model, made)
            return answer

        return self._operations.start("DeployModel", request.endpoint, effect)

    def _undeploy(self, request: types.UndeployModelRequest) -> Any:
        endpoint = self._at_rest(request.endpoint)
        if request.deployed_model_id not in {each.id for each in endpoint.deployed_models}:
            raise ApiError(404, f"DeployedModel {request.deployed_model_id} is not found")
        if endpoint.traffic_split.get(request.deployed_model_id, 0):
            raise ApiError(400, f"DeployedModel {request.deployed_model_id} has traffic")

        def effect() -> types.UndeployModelResponse:
            [place] = [n for n, each in enumerate(endpoint.deployed_models) if each.id == request.deployed_model_id]
            del endpoint.deployed_models[place]
            self._changed(endpoint)
            return types.UndeployModelResponse()

        return self._operations.start("UndeployModel", request.endpoint, effect)

    def _changed(self, endpoint: Any) -> None:
        self._changes += 1
        endpoint.etag = str(self._changes)
        names = {
            each.id: f"{each.model.rpartition('/')[2]}@{each.model_version_id}" for each in endpoint.deployed_models
        }
        self.answered.append({names[key]: part for key, part in endpoint.traffic_split.items() if part})

    def _endpoint(self, name: str) -> Any:
        if by_id(name) not in self.endpoints:
            raise ApiError(404, f"{name} is not found")
        return self.endpoints[by_id(name)]

    def _at_rest(self, name: str) -> Any:
        self._operations.tick()
        if self._operations.is_at_work(name):
            raise ApiError(400, "There are other operations running on the Endpoint.")
        return self._endpoint(name)
