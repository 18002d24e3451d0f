"""What is written in the artifacts of a run, as plain values; nothing where the files are gone."""

import json
import os
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from documents.catalogue import CatalogueReport
from documents.cleaning import CleaningReport
from documents.document import Document
from documents.evaluation import EvaluationReport
from documents.warm_start import WarmStartReport
from pipeline.store.runs.records import Run

_SCHEMA_FILE = "schema.pbtxt"
_VOCABULARIES_DIR = os.path.join("transform_fn", "assets")
_TYPE = "@type"


def evaluation(run: Run) -> EvaluationReport | None:
    """The run's evaluation; None if it was not evaluated or the file is gone.

    Raises:
        OutputError: The file is damaged, or of another format.
    """
    artifact = run.output("ModelEvaluation")
    return EvaluationReport.find(artifact.uri) if artifact is not None else None


def failed_rules(run: Run) -> list[str]:
    """The rules of the gate that the run's model failed; the store has their names when the evaluation is gone."""
    told = evaluation(run)
    if told is not None:
        return [rule.rule for rule in told.decision.failed]
    kept = run.output("ModelEvaluation")
    names = str(kept.properties.get("failed_rules", "")) if kept else ""
    return names.split(", ") if names else []


def settings(run: Run) -> dict[str, Any]:
    """Execution properties of all nodes by `<node> <dotted field>`, JSON strings opened."""
    return {
        f"{node.node_id} {field}".rstrip(): value
        for node in run.nodes
        for field, value in flatten(node.properties).items()
        if field not in _FROM_DRIVERS
    }


def flatten(value: Any) -> dict[str, Any]:
    """Opens nested mappings, and strings that hold them, into one mapping by dotted path.

    TFX wraps some JSON as `{"@type": ..., "value": <JSON string>}`, and calls the wrapping property `custom_config`;
    neither says anything, and both are left out of the path.

    Args:
        value: Mappings, lists and scalars; a list is one value.
    """
    if isinstance(value, str) and value[:1] == "{":
        try:
            value = json.loads(value)
        except ValueError:
            return {"": value}
    if not isinstance(value, dict):
        return {"": value}
    if _TYPE in value and "value" in value:
        return flatten(value["value"])
    flat = {}
    for key, inner in value.items():
        for path, leaf in flatten(inner).items():
            flat[".".join(part for part in ("" if key in _WRAPPERS else key, path) if part)] = leaf
    return flat


_WRAPPERS = ("custom_config", "settings")
_FINGERPRINT = "input_fingerprint"
_FROM_DRIVERS = (_FINGERPRINT, "span", "version")
"""Properties that an ExampleGen's driver finds out; an execution answered from the cache does not have them."""


def tfx_version(run: Run) -> dict[str, Any]:
    """The TFX that made the run's outputs, by node."""
    return {
        f"{node.node_id} tfx": artifact.properties["tfx_version"]
        for node in run.nodes
        for artifacts in node.outputs.values()
        for artifact in artifacts
        if "tfx_version" in artifact.properties and not node.found
    }


def counts(run: Run) -> dict[str, Any]:
    """What was read, cleaned and split, by `<node> <dotted field>`.

    Raises:
        OutputError: A file is damaged, or of another format.
    """
    found: dict[str, Any] = {}
    for node, artifact in run.outputs("Examples").items():
        flat: dict[str, Any] = {}
        if (cleaning := CleaningReport.find(artifact.uri)) is not None:
            flat |= flatten(_fields(cleaning) | {"steps": {step.step: step.rows_out for step in cleaning.steps}})
        if (catalogue := CatalogueReport.find(artifact.uri)) is not None:
            flat |= flatten(_fields(catalogue))
        found |= {f"{node} {path}": value for path, value in flat.items() if not isinstance(value, tuple)}
    return found


def _fields(document: Document) -> dict[str, Any]:
    """What a document says of the run; its format is of the code that wrote it."""
    return document.model_dump(exclude={"format_version"})


def fingerprints(run: Run) -> dict[str, Any]:
    """The input files' sizes and times, by `<node> input_fingerprint`."""
    return {
        f"{node} {_FINGERPRINT}": artifact.properties[_FINGERPRINT]
        for node, artifact in run.outputs("Examples").items()
        if _FINGERPRINT in artifact.properties
    }


def features(run: Run) -> dict[str, str]:
    """Each feature of each schema in a few words, by `<node> <feature>`."""
    found: dict[str, str] = {}
    for node, artifact in run.outputs("Schema").items():
        file = Path(artifact.uri, _SCHEMA_FILE)
        if file.exists():
            schema = text_format.Parse(file.read_text(), schema_pb2.Schema())
            found |= {f"{node} {feature.name}": _feature(feature) for feature in schema.feature}
    return found


def _feature(feature: schema_pb2.Feature) -> str:
    words = [schema_pb2.FeatureType.Name(feature.type)]
    for kind in ("presence_constraints", "shape_type", "domain_info"):
        chosen = feature.WhichOneof(kind)
        if chosen:
            told = (
                text_format.MessageToString(getattr(feature, chosen), as_one_line=True)
                if chosen != "domain"
                else feature.domain
            )
            words.append(f"{chosen} {told}".strip())
    return ", ".join(words)


def vocabularies(run: Run) -> dict[str, set[bytes]]:
    """The vocabularies that Transform made, by name."""
    return {
        file.name: set(file.read_bytes().splitlines())
        for artifact in run.outputs("TransformGraph").values()
        for file in sorted(Path(artifact.uri, _VOCABULARIES_DIR).glob("*"))
    }


def start(run: Run) -> dict[str, Any]:
    """How the training began, by `training <dotted field>`.

    Raises:
        OutputError: The file is damaged, or of another format.
    """
    artifact = run.output("ModelRun")
    told = WarmStartReport.find(artifact.uri) if artifact is not None else None
    return {f"training {path}": value for path, value in flatten(_fields(told)).items()} if told else {}
