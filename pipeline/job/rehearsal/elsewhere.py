"""Executes importers and resolvers: tasks whose outputs no task of this rehearsal makes."""

import time
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from common.errors import JobError
from pipeline.job.rehearsal import placeholders, queries
from pipeline.job.rehearsal.inputs import Inputs, artifact_name, constant
from pipeline.job.rehearsal.records import Artifact, Records


def imported(
    importer: pb.PipelineDeploymentConfig.ImporterSpec, inputs: Inputs, job_parameters: Any, records: Records, name: str
) -> Artifact:
    """The artifact of an importer: an earlier one with the same URI, or a new one.

    Args:
        importer: The importer's spec.
        inputs: The task's inputs; `artifact_uri.runtime_parameter` names a parameter of the task or of the job.
        job_parameters: Values of the job's parameters.
        records: The records of earlier executions.
        name: The name of a new artifact.

    Raises:
        JobError: The importer has no URI.
    """
    uri = constant(importer.artifact_uri, {**job_parameters, **inputs.parameters})
    if not uri:
        raise JobError("the importer has no artifact_uri. Give it one, or the RuntimeParameter that it names.")
    schema = json_format.MessageToDict(importer.type_schema)
    metadata = json_format.MessageToDict(importer.metadata)
    if not importer.reimport:
        for known in records.newest_artifacts():
            if known.uri == uri and known.type == schema and known.metadata == metadata:
                return known
    return Artifact(artifact_name(name), uri, schema, metadata, time.time())


def resolved(
    resolver: pb.PipelineDeploymentConfig.ResolverSpec, inputs: Inputs, records: Records
) -> dict[str, list[Artifact]]:
    """The artifacts that a resolver finds, by output; none if one of its own inputs is empty.

    Args:
        resolver: The resolver's spec, with its queries.
        inputs: The task's inputs.
        records: The records of earlier executions.

    Raises:
        JobError: A query cannot be read.
    """
    if any(not artifacts for artifacts in inputs.artifacts.values()):
        return {key: [] for key in resolver.output_artifact_queries}
    known = {"inputs": inputs.as_json()}
    return {
        key: queries.newest(records.newest_artifacts(), placeholders.replace(query.filter, known, {}), query.limit or 1)
        for key, query in resolver.output_artifact_queries.items()
    }
