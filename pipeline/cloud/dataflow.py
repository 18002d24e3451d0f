"""Makes the flags with which Beam components run on Dataflow, from the config's `vertex` section.

The names of the flags are those of `apache_beam.options.pipeline_options` and
https://cloud.google.com/dataflow/docs/reference/pipeline-options. There is no flag for the job's name: the components
of a run would share it, and Dataflow accepts each name only once at a time.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from configs.vertex.section import Vertex

FOLDER = "dataflow"
"""Folder under `vertex.pipeline_root` for the files that jobs stage; none of them is needed after a job's end."""

RUNNER = "pipeline.cloud.dataflow_runner.DataflowRunner"
"""The runner's import path; importing it here would import Beam, which takes seconds."""


def dataflow_args(vertex: "Vertex", pipeline_name: str) -> tuple[str, ...] | None:
    """Makes the flags.

    Args:
        vertex: The config's section.
        pipeline_name: The pipeline's name, which becomes a label of the jobs.

    Returns:
        Flags for every Beam component; None if Beam runs in the tasks.
    """
    dataflow = vertex.dataflow
    if dataflow is None:
        return None
    folder = f"{vertex.pipeline_root.rstrip('/')}/{FOLDER}"
    flags = {
        "runner": RUNNER,
        "project": vertex.project,
        "region": dataflow.region or vertex.region,
        "temp_location": f"{folder}/temp",
        "staging_location": f"{folder}/staging",
        "max_num_workers": dataflow.max_workers,
        "worker_machine_type": dataflow.machine_type,
        "disk_size_gb": dataflow.disk_size_gb,
        # https://cloud.google.com/dataflow/docs/reference/service-options
        "dataflow_service_options": f"max_workflow_runtime_walltime_seconds={dataflow.timeout_seconds}",
    }
    # One of the two must be set, else TFX packs itself, but not Perennial, for the workers.
    if dataflow.setup_file is not None:
        flags["setup_file"] = dataflow.setup_file
    else:
        flags["sdk_container_image"] = dataflow.image or vertex.image
    if vertex.service_account is not None:
        flags["service_account_email"] = vertex.service_account
    if dataflow.subnetwork is not None:
        flags["subnetwork"] = dataflow.subnetwork
    labels = {"pipeline": pipeline_name, **vertex.labels}
    return (
        *(f"--{name}={value}" for name, value in flags.items()),
        *(() if dataflow.public_ips else ("--no_use_public_ips",)),
        *(f"--labels={key}={value}" for key, value in labels.items()),
    )
