"""Simulates PipelineService.

See https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.pipelineJobs.
"""

import re
from typing import Any

from google.cloud.aiplatform_v1 import types
from google.protobuf import empty_pb2, json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.vertex_api.resources import PARENT, Clock, check_parent, filtered, newest_first, page
from tests.vertex_api.rest import ApiError, Route

State = types.PipelineState
TaskState = types.PipelineTaskDetail.State

_JOBS = "/v1/{parent=projects/*/locations/*}/pipelineJobs"
_JOB = "/v1/{name=projects/*/locations/*/pipelineJobs/*}"
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}=[a-z0-9_-]{0,63}")
_MAX_LABELS = 64


class Pipelines:
    """Pipeline jobs. Their state changes only by `plan`, which sets what further requests find."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.jobs: dict[str, types.PipelineJob] = {}
        """Jobs by resource name."""

        self._clock = clock or Clock()
        self._plans: list[types.PipelineJob] = []

    def routes(self) -> list[Route]:
        return [
            Route("CreatePipelineJob", "POST", _JOBS, types.CreatePipelineJobRequest, self._create, "pipeline_job"),
            Route("GetPipelineJob", "GET", _JOB, types.GetPipelineJobRequest, self._get),
            Route("ListPipelineJobs", "GET", _JOBS, types.ListPipelineJobsRequest, self._list),
            Route("CancelPipelineJob", "POST", f"{_JOB}:cancel", types.CancelPipelineJobRequest, self._cancel, "*"),
        ]

    def plan(self, *stages: types.PipelineJob) -> None:
        """Sets what each further request for any job finds: it merges `state`, `error` and `job_detail` of the stage.

        The last stage stays.
        """
        self._plans = list(stages)

    def put(self, job_id: str, job: types.PipelineJob) -> types.PipelineJob:
        """Adds a job, as if it had been created earlier."""
        job.name, job.create_time = f"{PARENT}/pipelineJobs/{job_id}", self._clock.now()
        self.jobs[job.name] = job
        return job

    def _create(self, request: types.CreatePipelineJobRequest) -> types.PipelineJob:
        check_parent(request.parent)
        job_id = request.pipeline_job_id
        if not re.fullmatch(r"[a-z][-a-z0-9]{0,127}", job_id):
            raise ApiError(400, f"pipeline_job_id {job_id!r} does not match [a-z][-a-z0-9]{{0,127}}")
        if f"{request.parent}/pipelineJobs/{job_id}" in self.jobs:
            raise ApiError(409, f"PipelineJob {job_id} already exists")
        check_job(request.pipeline_job)
        job = types.PipelineJob()
        job._pb.CopyFrom(request.pipeline_job._pb)
        job.state = State.PIPELINE_STATE_PENDING
        return self.put(job_id, job)

    def _get(self, request: types.GetPipelineJobRequest) -> types.PipelineJob:
        job = self._job(request.name)
        if self._plans:
            stage = self._plans.pop(0) if len(self._plans) > 1 else self._plans[0]
            _merge(job, stage)
        return job

    def _list(self, request: types.ListPipelineJobsRequest) -> types.ListPipelineJobsResponse:
        check_parent(request.parent)
        fields: dict[str, Any] = {
            "pipeline_name": lambda job: job.pipeline_spec["pipelineInfo"]["name"],
            "display_name": lambda job: job.display_name,
            "state": lambda job: job.state.name,
        }
        found = newest_first(filtered(self.jobs.values(), request.filter, fields), request.order_by)
        jobs, token = page(found, request.page_size, request.page_token)
        shown = []
        for job in jobs:
            copy = types.PipelineJob()
            copy._pb.CopyFrom(job._pb)
            copy._pb.ClearField("job_detail")  # "Not available in the list view."
            if request._pb.read_mask.paths:
                masked = types.PipelineJob.pb()()
                request._pb.read_mask.MergeMessage(copy._pb, masked)
                copy = types.PipelineJob.wrap(masked)
            shown.append(copy)
        return types.ListPipelineJobsResponse(pipeline_jobs=shown, next_page_token=token)

    def _cancel(self, request: types.CancelPipelineJobRequest) -> empty_pb2.Empty:
        job = self._job(request.name)
        if job.state.name.rpartition("_")[2] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            raise ApiError(400, f"PipelineJob {job.name} is in the terminal state {job.state.name}")
        job.state = State.PIPELINE_STATE_CANCELLING
        return empty_pb2.Empty()

    def _job(self, name: str) -> types.PipelineJob:
        if name not in self.jobs:
            raise ApiError(404, f"The PipelineJob {name} does not exist")
        return self.jobs[name]


def check_job(job: types.PipelineJob) -> None:
    """Checks a job like Vertex before it accepts the job."""
    try:
        spec = json_format.ParseDict(json_format.MessageToDict(job._pb.pipeline_spec), pipeline_spec_pb2.PipelineSpec())
    except json_format.ParseError as e:
        raise ApiError(400, f"pipeline_spec is no PipelineSpec: {e}") from e
    if not job.runtime_config.gcs_output_directory.startswith("gs://"):
        raise ApiError(400, "runtime_config.gcs_output_directory is not set")
    if len(job.display_name) > 128:
        raise ApiError(400, "display_name is longer than 128 characters")
    declared = spec.root.input_definitions.parameters
    for name in job.runtime_config.parameter_values:
        if name not in declared:
            raise ApiError(400, f"{name} is not found in the pipeline job input definitions.")
    for name, parameter in declared.items():
        if name not in job.runtime_config.parameter_values and not parameter.HasField("default_value"):
            raise ApiError(400, f"the parameter {name} has no value")
    if len(job.labels) > _MAX_LABELS:
        raise ApiError(400, f"{len(job.labels)} labels, of which {_MAX_LABELS} are allowed")
    for key, value in job.labels.items():
        if not _LABEL.fullmatch(f"{key}={value}"):
            raise ApiError(400, f"the label {key}={value} does not match {_LABEL.pattern}")


def _merge(job: types.PipelineJob, stage: types.PipelineJob) -> None:
    job.state = stage.state
    for field in ("error", "job_detail", "start_time", "end_time"):
        if stage._pb.HasField(field):
            getattr(job._pb, field).CopyFrom(getattr(stage._pb, field))
