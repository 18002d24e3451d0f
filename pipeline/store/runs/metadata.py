"""Opens the local metadata store (MLMD on SQLite), and names the properties that Perennial adds to those of TFX."""

from typing import Any

import ml_metadata as mlmd
from google.protobuf import json_format
from ml_metadata.proto import metadata_store_pb2 as pb

RUN_TYPE = "pipeline_run"
"""TFX's type of the context that holds the executions of one run; its name is the run's id."""

NODE_TYPE = "node"
"""TFX's type of the context that holds the executions of one node; its name is `<pipeline>.<node id>`."""

OUTCOME = "outcome"
"""Property of a run's context: `succeeded`, `failed` or `killed`. Missing: the run is at work or was just killed."""

ERROR = "error"
"""Property of a failed execution: the reason. TFX drops the executor's exception."""

BLESSED = "blessed"
CURRENT_MODEL = "current_model_id"
"""TFX's properties of a ModelBlessing, which LatestBlessedModelStrategy reads."""

WITHDRAWN = "withdrawn"
"""Property of a ModelBlessing: 1 where a rollback revoked it."""

KILLED = "killed"
"""Property of an execution whose process was killed: the time at which recovery found it, ISO 8601."""

MODEL_DIGEST = "model_digest"
"""Property of a PushedModel: the model's digest; a version's record in the serving folder has it too."""

_JSON_WRAPPER = "__value__"
"""TFX's key for a JSON value that is not a mapping, in a struct property."""


def open_store(metadata_path: str) -> mlmd.MetadataStore:
    """Opens the store of a local pipeline; creates it if it does not exist.

    Readers open it for writing too: read-only, SQLite could not roll back a transaction that a kill left open.

    Args:
        metadata_path: The SQLite file.
    """
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = metadata_path
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return mlmd.MetadataStore(config)


def runs_of(store: mlmd.MetadataStore) -> list[pb.Context]:
    """Returns the runs' contexts in the order in which they started, by id and not by clock."""
    return sorted(store.get_contexts_by_type(RUN_TYPE), key=lambda context: context.id)


def node_ids(store: mlmd.MetadataStore, pipeline_name: str) -> dict[int, str]:
    """Returns the node of each execution of a pipeline, by execution id."""
    prefix = f"{pipeline_name}."
    return {
        execution.id: context.name.removeprefix(prefix)
        for context in store.get_contexts_by_type(NODE_TYPE)
        if context.name.startswith(prefix)
        for execution in store.get_executions_by_context(context.id)
    }


def properties(message: Any) -> dict[str, Any]:
    """Returns the declared and custom properties of an execution, artifact or context, as Python values."""
    return {
        name: _python(value) for each in (message.properties, message.custom_properties) for name, value in each.items()
    }


def _python(value: pb.Value) -> Any:
    kind = value.WhichOneof("value")
    if kind == "struct_value":
        struct = json_format.MessageToDict(value.struct_value)
        return struct.get(_JSON_WRAPPER, struct)
    return getattr(value, kind) if kind else None
