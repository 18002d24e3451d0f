"""Reads the contents of a run's artifacts as plain values; artifacts whose files are gone give nothing."""

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
    """Reads the run's evaluation; None if the run has none or the file is gone.

    Raises:
        OutputError: The file is damaged or has another format.
    """
    artifact = run.output("ModelEvaluation")
    return EvaluationReport.find(artifact.uri) if artifact is not None else None


def failed_rules(run: Run) -> list[str]:
    """Lists the gate's rules that the run's model failed.

    The metadata store still has the names of the rules after the evaluation's file was deleted.
    """
    report = evaluation(run)
    if report is not None:
        return [rule.rule for rule in report.decision.failed]
    kept = run.output("ModelEvaluation")
    names = str(kept.properties.get("failed_rules", "")) if kept else ""
    return names.split(", ") if names else []


def settings(run: Run) -> dict[str, Any]:
    """Returns the execution properties of all nodes by `<node> <dotted field>`; JSON strings are parsed."""
    return {
        f"{node.node_id} {field}".rstrip(): value
        for node in run.nodes
        for field, value in flatten(node.properties).items()
        if field not in _FROM_DRIVERS
    }


def flatten(value: Any) -> dict[str, Any]:
    """Flattens nested mappings, and JSON strings that hold mappings, into one mapping by dotted path.

    TFX wraps some JSON as `{"@type": ..., "value": <JSON string>}`, in a property called `custom_config`. Neither name
    carries information, so the path leaves both out.

    Args:
        value: Mappings, lists and scalars; a list counts as one value.
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
"""Properties that an ExampleGen's driver sets; an execution that used the cache does not have them."""


def tfx_version(run: Run) -> dict[str, Any]:
    """Returns the version of TFX that made the run's outputs, by node."""
    return {
        f"{node.node_id} tfx": artifact.properties["tfx_version"]
        for node in run.nodes
        for artifacts in node.outputs.values()
        for artifact in artifacts
        if "tfx_version" in artifact.properties and not node.found
    }


def counts(run: Run) -> dict[str, Any]:
    """Returns the counts of the rows read, cleaned and split, by `<node> <dotted field>`.

    Raises:
        OutputError: A file is damaged or has another format.
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
    """Returns a document's fields without the format version, which describes the code and not the run."""
    return document.model_dump(exclude={"format_version"})


def fingerprints(run: Run) -> dict[str, Any]:
    """Returns the input files' sizes and times, by `<node> input_fingerprint`."""
    return {
        f"{node} {_FINGERPRINT}": artifact.properties[_FINGERPRINT]
        for node, artifact in run.outputs("Examples").items()
        if _FINGERPRINT in artifact.properties
    }


def features(run: Run) -> dict[str, str]:
    """Describes each feature of each schema in a few words, by `<node> <feature>`."""
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
            description = (
                text_format.MessageToString(getattr(feature, chosen), as_one_line=True)
                if chosen != "domain"
                else feature.domain
            )
            words.append(f"{chosen} {description}".strip())
    return ", ".join(words)


def vocabularies(run: Run) -> dict[str, set[bytes]]:
    """Reads the vocabularies that Transform made, by name."""
    return {
        file.name: set(file.read_bytes().splitlines())
        for artifact in run.outputs("TransformGraph").values()
        for file in sorted(Path(artifact.uri, _VOCABULARIES_DIR).glob("*"))
    }


def start(run: Run) -> dict[str, Any]:
    """Describes how the training started, by `training <dotted field>`.

    Raises:
        OutputError: The file is damaged or has another format.
    """
    artifact = run.output("ModelRun")
    report = WarmStartReport.find(artifact.uri) if artifact is not None else None
    return {f"training {path}": value for path, value in flatten(_fields(report)).items()} if report else {}
