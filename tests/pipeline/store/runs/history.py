"""Writes runs to the metadata store of a home, like TFX's launcher, without running anything."""

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from documents.document import Document
from pipeline.store.runs.metadata import OUTCOME, open_store

NAME = "shop"
_VALUES = {int: "int_value", float: "double_value", str: "string_value"}


class History:
    """Writes runs, and the folders of their artifacts with the given files."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "runs" / NAME
        self.root = self.home / "artifacts"
        self.root.mkdir(parents=True)
        self.serving = self.home / "serving"
        self.metadata_path = str(self.home / "metadata.db")
        self.config = folder / "shop.yaml"
        self.config.write_text(f"name: {NAME}\nlog: {{path: log.csv}}\noutput_dir: runs\n")
        self.store: mlmd.MetadataStore = open_store(self.metadata_path)
        self._types = {
            name: self.store.put_context_type(pb.ContextType(name=name)) for name in ("pipeline_run", "node")
        }
        self._runs = 0

    def run(self, *, outcome: str | None = "succeeded") -> "RunWriter":
        """Begins a run."""
        self._runs += 1
        context = pb.Context(type_id=self._types["pipeline_run"], name=f"run-{self._runs}")
        if outcome is not None:
            context.custom_properties[OUTCOME].string_value = outcome
        (context_id,) = self.store.put_contexts([context])
        return RunWriter(self, context_id)

    def node_context(self, node: str) -> int:
        name = f"{NAME}.{node}"
        found = self.store.get_context_by_type_and_name("node", name)
        if found is not None:
            return int(found.id)
        return int(self.store.put_contexts([pb.Context(type_id=self._types["node"], name=name)])[0])

    def artifact(self, artifact_id: int) -> pb.Artifact:
        (artifact,) = self.store.get_artifacts_by_id([artifact_id])
        return artifact

    def state(self, artifact_id: int) -> str:
        return str(pb.Artifact.State.Name(self.artifact(artifact_id).state))


class RunWriter:
    """One run."""

    def __init__(self, history: History, context_id: int) -> None:
        self.history, self.context_id = history, context_id

    def node(
        self,
        node: str,
        outputs: Mapping[str, str] = {},
        *,
        state: str = "COMPLETE",
        inputs: Sequence[int] = (),
        reuse: Sequence[int] = (),
        event: str = "OUTPUT",
        properties: Mapping[str, Any] = {},
        custom_properties: Mapping[str, Any] = {},
        files: Mapping[str, Any] = {},
        documents: Sequence[Document] = (),
    ) -> list[int]:
        """Writes one execution; returns the ids of its outputs.

        Args:
            node: The node's id.
            outputs: Artifact type of each output to make, by key.
            state: MLMD's state of the execution. Outputs of a RUNNING execution have folders and no artifacts.
            inputs: Ids of the artifacts that it reads.
            reuse: Ids of outputs that it did not make: from the cache, or because it is a resolver.
            event: MLMD's type of the output events.
            properties: Execution properties.
            custom_properties: Custom properties of each output.
            files: Files in each output's folder: JSON values, or text.
            documents: Documents in each output's folder.
        """
        store = self.history.store
        type_id = store.put_execution_type(pb.ExecutionType(name=f"type.of.{node}"))
        execution = pb.Execution(
            type_id=type_id, name=str(uuid.uuid4()), last_known_state=pb.Execution.State.Value(state)
        )
        _put(execution, properties)
        contexts = store.get_contexts_by_id([self.context_id, self.history.node_context(node)])
        read = [(artifact, _event("INPUT", "input", at)) for at, artifact in enumerate(self._by_id(inputs))]
        execution_id, _, _ = store.put_execution(execution, read, contexts)
        made = []
        for key, kind in outputs.items():
            folder = self.history.root / node / key / str(execution_id)
            for name, content in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
            for document in documents:
                document.write(folder)
            folder.mkdir(parents=True, exist_ok=True)
            artifact = pb.Artifact(
                type_id=store.put_artifact_type(pb.ArtifactType(name=kind)), uri=str(folder), state=pb.Artifact.LIVE
            )
            _put(artifact, custom_properties)
            made.append((artifact, _event(event, key, 0)))
        if state in ("RUNNING", "FAILED"):
            return []
        given = [(artifact, _event(event, artifact.type.lower(), 0)) for artifact in self._by_id(reuse)]
        (saved,) = store.get_executions_by_id([execution_id])
        _, artifact_ids, _ = store.put_execution(saved, [*made, *given], contexts)
        return [int(artifact_id) for artifact_id in artifact_ids]

    def _by_id(self, ids: Sequence[int]) -> list[pb.Artifact]:
        return [self.history.artifact(artifact_id) for artifact_id in ids]


def _event(kind: str, key: str, at: int) -> pb.Event:
    event = pb.Event(type=pb.Event.Type.Value(kind))
    event.path.steps.add().key = key
    event.path.steps.add().index = at
    return event


def _put(message: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(message.custom_properties[name], _VALUES[type(value)], value)
