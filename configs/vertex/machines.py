"""Defines the machines of tasks, CustomJobs and Dataflow's workers."""

from typing import Literal

from pydantic import Field, model_validator

from configs.base import Settings


class Accelerator(Settings):
    """GPUs of one machine."""

    type: str = Field(pattern=r"^[A-Z][A-Z0-9_]+$")
    """Type of the GPUs as Vertex names it, such as `NVIDIA_TESLA_T4` or `NVIDIA_L4`."""

    count: Literal[1, 2, 4, 8, 16] = 1
    """Number of GPUs on the machine."""


class Resources(Settings):
    """What a task's container may use; Vertex chooses a machine that has it.

    Example:
        vertex:
          resources: {cpu: 4, memory_gb: 16}
          task_resources:
            Trainer: {cpu: 8, memory_gb: 32, accelerator: {type: NVIDIA_L4, count: 1}}
    """

    cpu: float = Field(default=4.0, gt=0, le=96)
    """Number of virtual CPUs. Default 4: that of e2-standard-4, Vertex's own default machine."""

    memory_gb: float = Field(default=16.0, gt=0, le=624)
    """Memory; a GB is that of KFP's `memoryLimit`. Default 16: that of e2-standard-4."""

    accelerator: Accelerator | None = None
    """The GPUs. None: no GPU."""


class WorkerPool(Settings):
    """The one machine of a Vertex CustomJob.

    Example:
        vertex:
          custom_job: {machine_type: n1-standard-8, accelerator: {type: NVIDIA_TESLA_T4, count: 2}}
    """

    machine_type: str = Field(pattern=r"^[a-z0-9]+-[a-z0-9-]+$")
    """Machine type as Compute Engine names it, such as `n1-standard-8`."""

    accelerator: Accelerator | None = None
    """The GPUs; several are used at once. None: no GPU."""

    boot_disk_gb: int = Field(default=100, ge=100, le=64000)
    """Size of the boot disk. Default 100: Vertex's own."""

    image: str | None = None
    """The container image, such as the GPU variant of `vertex.image`; `--image` does not change it. None:
    `vertex.image`."""

    timeout_seconds: int = Field(default=86_400, gt=0)
    """Time after which Vertex ends the job. Default: a day. With Vertex's own default, you pay for a week of a training
    that hangs."""


class Dataflow(Settings):
    """Dataflow for the Beam components: ingest, statistics, Transform.

    Example:
        vertex:
          dataflow: {max_workers: 20, machine_type: n1-standard-8}
    """

    region: str | None = Field(default=None, pattern=r"^[a-z]+-[a-z]+[0-9]+$")
    """Region of the workers. None: `vertex.region`."""

    max_workers: int = Field(default=10, ge=1, le=1000)
    """Largest number of workers. Default 10: a wrong setting must not pay for a fleet."""

    machine_type: str = Field(default="n1-standard-4", pattern=r"^[a-z0-9]+-[a-z0-9-]+$")
    """Machine type of each worker."""

    disk_size_gb: int = Field(default=50, ge=25)
    """Disk of each worker."""

    image: str | None = None
    """The container image of the workers, with the same code as `vertex.image`; `--dataflow-image` overrides it. None:
    `vertex.image`. Our image's user is not root, and workers are expected not to start as that user (not tried on
    Dataflow): name here the image that `images/pipeline/Dockerfile` builds with `--target dataflow`."""

    setup_file: str | None = None
    """Instead of an image, the path of `setup.py` beside this project's sources in `vertex.image`; workers install the
    package from there. Our own image has no sources."""

    timeout_seconds: int = Field(default=86_400, gt=0)
    """Time after which Dataflow ends a job, also if its task was killed before it could cancel the job. Default: a day,
    more than our jobs need."""

    subnetwork: str | None = None
    """The subnetwork, `regions/<region>/subnetworks/<name>`. None: the project's default network."""

    public_ips: bool = True
    """Whether workers have public IP addresses."""

    @model_validator(mode="after")
    def _has_one_source(self) -> "Dataflow":
        if self.image is not None and self.setup_file is not None:
            raise ValueError(
                "image and setup_file exclude each other; keep only the one that the workers are made from"
            )
        return self
