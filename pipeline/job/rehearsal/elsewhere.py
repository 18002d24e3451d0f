"""Importers and resolvers: tasks that give out artifacts which no task of this rehearsal makes."""

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
    """The artifact of an importer: the one that is known under its place, or a new one.

    Args:
        importer: Says which.
        inputs: The task's; `artifact_uri.runtime_parameter` names one of its parameters, or of the job's.
        job_parameters: Values of the job's parameters.
        records: What is known.
        name: What a new one is called.

    Raises:
        JobError: It has no place.
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
    """The artifacts that a resolver finds, by output; none where what it asks about was not found itself.

    Args:
        resolver: Says what it looks for.
        inputs: The task's.
        records: What is known.

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
