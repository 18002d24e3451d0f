"""Adds a run to an experiment of Vertex AI Experiments, where people compare runs."""

import time
from typing import Any

from google.cloud.aiplatform_v1 import MetadataServiceClient

from common.errors import VertexError
from pipeline.cloud.client import Api

_CONTEXT_SECONDS = 30.0
"""How long to wait for a run's metadata context: Vertex creates it a few seconds after the run."""

_PAUSE_SECONDS = 1.0


def prepare_experiment(api: Api, name: str) -> None:
    """Creates the experiment if there is none; before the run, so that a refusal costs no run.

    Args:
        api: Google Cloud.
        name: The experiment's name.

    Raises:
        VertexError: The call was refused, or something else has this name.
    """
    from google.cloud import aiplatform  # takes 9 seconds; only configs with an experiment need it

    vertex, endpoint = api.vertex, api.vertex.api_endpoint
    transport = "rest" if endpoint is not None and endpoint.startswith("http") else None
    try:
        aiplatform.init(
            project=vertex.project,
            location=vertex.region,
            credentials=api.credentials,
            api_endpoint=endpoint,
            api_transport=transport,
        )
        api.call(
            f"find or create the experiment {name}",
            lambda options: aiplatform.Experiment.get_or_create(
                name, project=vertex.project, location=vertex.region, credentials=api.credentials
            ),
        )
    except ValueError as e:  # a region that the library does not know, or a context of another kind
        raise VertexError(f"cannot use {name} as an experiment: {e} Check the config's vertex section.") from e


def join_experiment(api: Api, name: str, run_name: str, wait_seconds: float = _CONTEXT_SECONDS) -> bool:
    """Adds a run to the experiment.

    Args:
        api: Google Cloud.
        name: The experiment's name.
        run_name: The run's resource name.
        wait_seconds: How long to wait for the run's context.

    Returns:
        Whether the run was added: False if Vertex has not created the run's context in this time.

    Raises:
        VertexError: The call was refused.
    """
    context = _run_context(api, run_name, wait_seconds)
    if context is None:
        return False
    experiment = f"{api.parent}/metadataStores/default/contexts/{name}"
    api.call(
        f"put the run into the experiment {name}",
        lambda options: api.client(MetadataServiceClient).add_context_children(
            context=experiment, child_contexts=[context], **options
        ),
    )
    return True


def _run_context(api: Api, run_name: str, wait_seconds: float) -> str | None:
    deadline = time.monotonic() + wait_seconds
    while True:
        run: Any = api.call("read the run", lambda options: api.pipelines.get_pipeline_job(name=run_name, **options))
        if run.job_detail.pipeline_run_context.name:
            return str(run.job_detail.pipeline_run_context.name)
        if time.monotonic() >= deadline:
            return None
        time.sleep(_PAUSE_SECONDS)
