"""What tasks, CustomJobs and Dataflow's workers run on."""

from typing import Literal

from pydantic import Field, model_validator

from configs.base import Settings


class Accelerator(Settings):
    """GPUs of one machine."""

    type: str = Field(pattern=r"^[A-Z][A-Z0-9_]+$")
    """As Vertex names it, such as `NVIDIA_TESLA_T4` or `NVIDIA_L4`."""

    count: Literal[1, 2, 4, 8, 16] = 1
    """GPUs on the machine."""


class Resources(Settings):
    """What a task's container may use; Vertex chooses a machine that has it."""

    cpu: float = Field(default=4.0, gt=0, le=96)
    """Virtual CPUs. Default 4: that of e2-standard-4, Vertex's own default machine."""

    memory_gb: float = Field(default=16.0, gt=0, le=624)
    """Memory, GB as in KFP's `memoryLimit`. Default 16: that of e2-standard-4."""

    accelerator: Accelerator | None = None
    """GPUs. None: no GPU."""


class WorkerPool(Settings):
    """The one machine of a Vertex CustomJob."""

    machine_type: str = Field(pattern=r"^[a-z0-9]+-[a-z0-9-]+$")
    """As Compute Engine names it, such as `n1-standard-8`."""

    accelerator: Accelerator | None = None
    """GPUs; with several, training is mirrored over them."""

    boot_disk_gb: int = Field(default=100, ge=100, le=64000)
    """Size of the boot disk, GB. Default 100: Vertex's own."""

    image: str | None = None
    """The container image, such as the GPU variant of `vertex.image`; `--image` leaves it as it is. None:
    `vertex.image`."""

    timeout_seconds: int = Field(default=86_400, gt=0)
    """After which Vertex ends the job. Default: a day; by Vertex's own, a training that hangs is paid for a week."""


class Dataflow(Settings):
    """Dataflow for the Beam components: ingest, statistics, Transform, evaluation."""

    region: str | None = Field(default=None, pattern=r"^[a-z]+-[a-z]+[0-9]+$")
    """Where the workers are. None: `vertex.region`."""

    max_workers: int = Field(default=10, ge=1, le=1000)
    """Workers at most. Default 10: a wrong setting must not cost a fleet."""

    machine_type: str = Field(default="n1-standard-4", pattern=r"^[a-z0-9]+-[a-z0-9-]+$")
    """Of each worker."""

    disk_size_gb: int = Field(default=50, ge=25)
    """Of each worker, GB."""

    image: str | None = None
    """The container image of the workers, with the same code as `vertex.image`; `--dataflow-image` takes its place.
    None: `vertex.image`. As our image's user, which is not root, workers are expected not to start (not tried on
    Dataflow): name here what `images/pipeline/Dockerfile` builds with `--target dataflow`."""

    setup_file: str | None = None
    """Instead of an image: the path of `setup.py` beside this project's sources in `vertex.image`, from which workers
    install this package; our own image has no sources."""

    timeout_seconds: int = Field(default=86_400, gt=0)
    """After which Dataflow ends a job, also one whose task was killed before it could cancel it. Default: a day, more
    than ours need."""

    subnetwork: str | None = None
    """`regions/<region>/subnetworks/<name>`. None: the project's default network."""

    public_ips: bool = True
    """Whether workers have addresses outside the network."""

    @model_validator(mode="after")
    def _has_one_source(self) -> "Dataflow":
        if self.image is not None and self.setup_file is not None:
            raise ValueError("image and setup_file exclude each other; give the one that workers are to be made from")
        return self
