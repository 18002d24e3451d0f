"""Simulates the part of MetadataService that experiments need."""

from typing import Any

from google.cloud.aiplatform_v1 import types

from tests.vertex_api.rest import ApiError, Route

_STORE = "projects/*/locations/*/metadataStores/*"


class Metadata:
    """One metadata store, with contexts."""

    def __init__(self) -> None:
        self.contexts: dict[str, types.Context] = {}
        """Contexts by resource name."""

    def routes(self) -> list[Route]:
        store, context = f"/v1/{{name={_STORE}}}", f"/v1/{{name={_STORE}/contexts/*}}"
        contexts = f"/v1/{{parent={_STORE}}}/contexts"
        children = f"/v1/{{context={_STORE}/contexts/*}}:addContextChildren"
        return [
            Route("GetMetadataStore", "GET", store, types.GetMetadataStoreRequest, self._store),
            Route("GetContext", "GET", context, types.GetContextRequest, lambda r: self._context(r.name)),
            Route("CreateContext", "POST", contexts, types.CreateContextRequest, self._create, "context"),
            Route("AddContextChildren", "POST", children, types.AddContextChildrenRequest, self._add_children, "*"),
        ]

    def put(self, name: str, schema_title: str) -> types.Context:
        """Adds a context, such as that of a pipeline's run (`system.PipelineRun`)."""
        self.contexts[name] = types.Context(name=name, schema_title=schema_title)
        return self.contexts[name]

    def _store(self, request: types.GetMetadataStoreRequest) -> types.MetadataStore:
        return types.MetadataStore(name=request.name)

    def _create(self, request: types.CreateContextRequest) -> types.Context:
        name = f"{request.parent}/contexts/{request.context_id}"
        if name in self.contexts:
            raise ApiError(409, f"{name} already exists")
        request.context.name = name
        self.contexts[name] = request.context
        return request.context

    def _add_children(self, request: types.AddContextChildrenRequest) -> Any:
        for child in request.child_contexts:
            self._context(child).parent_contexts.append(self._context(request.context).name)
        return types.AddContextChildrenResponse()

    def _context(self, name: str) -> types.Context:
        if name not in self.contexts:
            raise ApiError(404, f"{name} does not exist")
        return self.contexts[name]
