"""What is written in the artifacts of a run, as plain values; nothing where the files are gone."""

import json
import os
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.store.runs.records import ArtifactRef, Run

EVALUATION_FILE = "evaluation.json"
WARM_START_FILE = "warm_start.json"
COUNTS_FILES = ("cleaning.json", "catalogue.json")
_SCHEMA_FILE = "schema.pbtxt"
_VOCABULARIES_DIR = os.path.join("transform_fn", "assets")
_TYPE = "@type"


def read_json(artifact: ArtifactRef | None, file: str) -> dict[str, Any] | None:
    """Reads a JSON file of an artifact; None where either is missing.

    Args:
        artifact: The artifact.
        file: The file's name in it.
    """
    try:
        return json.loads(Path(artifact.uri, file).read_bytes()) if artifact is not None else None
    except FileNotFoundError:
        return None


def evaluation(run: Run) -> dict[str, Any] | None:
    """The run's `evaluation.json`, None if it was not evaluated or the file is gone."""
    return read_json(run.output("ModelEvaluation"), EVALUATION_FILE)


def failed_rules(run: Run) -> list[str]:
    """The rules of the gate that the run's model failed; the store has their names when `evaluation.json` is gone."""
    told = evaluation(run)
    if told is not None:
        return [rule["rule"] for rule in told.get("decision", {}).get("rules", ()) if not rule["passed"]]
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
    """What was read, cleaned and split, by `<node> <dotted field>`."""
    found: dict[str, Any] = {}
    for node, artifact in run.outputs("Examples").items():
        for told in filter(None, (read_json(artifact, file) for file in COUNTS_FILES)):
            steps = {step["step"]: step["out"] for step in told.get("steps", ())}
            flat = flatten(told | {"steps": steps})
            found |= {f"{node} {path}": value for path, value in flat.items() if not isinstance(value, list)}
    return found


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
    """How the training began, by `training <dotted field>` of `warm_start.json`."""
    told = read_json(run.output("ModelRun"), WARM_START_FILE)
    return {f"training {path}": value for path, value in flatten(told or {}).items() if path}
