"""Where and how the pipeline runs on Vertex AI Pipelines."""

import re
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, field_validator, model_validator

from configs.base import Settings

_BUCKET = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/.*)?")


def _is_in_a_bucket(path: str) -> str:
    if not _BUCKET.fullmatch(path):
        raise ValueError("must be a folder of a Cloud Storage bucket, such as gs://my-bucket/folder")
    return path


Bucket = Annotated[str, AfterValidator(_is_in_a_bucket)]
"""A folder of a Cloud Storage bucket."""


def moment(text: str) -> datetime:
    """Reads a moment of the config.

    Args:
        text: RFC 3339.
    """
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _is_a_moment(text: str) -> str:
    try:
        moment(text)
    except ValueError as e:
        raise ValueError(f"is no moment: {e}") from e
    return text


Moment = Annotated[
    str,
    Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})$"),
    AfterValidator(_is_a_moment),
]
"""A moment, RFC 3339, such as `2026-12-01T00:00:00Z`."""

LabelKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
LabelValue = Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,63}$")]
Alias = Annotated[str, Field(pattern=r"^[a-z][a-zA-Z0-9-]{0,125}[a-z0-9]$")]
ServiceAccount = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Percent = Annotated[int, Field(ge=0, le=100)]
Price = Annotated[float, Field(ge=0)]


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


class Retries(Settings):
    """How often a failed task is started again, after which pause."""

    max_count: int = Field(default=0, ge=0, le=10)
    """Further attempts of a task. Default 0: what is wrong with data or code is as wrong the second time."""

    backoff_seconds: float = Field(default=60.0, ge=0, le=3600)
    """Pause before the first further attempt."""

    backoff_factor: float = Field(default=2.0, ge=1, le=10)
    """By which each further pause grows."""

    backoff_max_seconds: float = Field(default=3600.0, ge=0, le=3600)
    """The longest pause."""


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
    """The container image of the workers; `--image` leaves it as it is. None: `vertex.image`, which holds this package
    and Beam's start program. Not tried on Dataflow: our image's user is not root, and workers may get folders
    that only root can write. If they do not start, name an image here that is made of it with `USER 0`."""

    setup_file: str | None = None
    """Instead of an image: the path of `setup.py` beside this project's sources in `vertex.image`, from which workers
    install this package; our own image has no sources."""

    timeout_seconds: int = Field(default=86_400, gt=0)
    """After which Dataflow ends a job: one does not end with its task. Default: a day, more than ours need."""

    subnetwork: str | None = None
    """`regions/<region>/subnetworks/<name>`. None: the project's default network."""

    public_ips: bool = True
    """Whether workers have addresses outside the network."""

    @model_validator(mode="after")
    def _has_one_source(self) -> "Dataflow":
        if self.image is not None and self.setup_file is not None:
            raise ValueError("image and setup_file exclude each other; give the one that workers are to be made from")
        return self


class Schedule(Settings):
    """When the pipeline runs by itself."""

    cron: str = Field(pattern=r"^[0-9A-Za-z*,/-]+( [0-9A-Za-z*,/-]+){4}$")
    """Minute, hour, day of month, month, day of week, as in `0 3 * * *`: numbers, names, and `*`, `,`, `-`, `/`."""

    time_zone: str = "Etc/UTC"
    """A name of the IANA time zone database, such as `Europe/Berlin`."""

    start_time: Moment | None = None
    """First moment at which a run may start, RFC 3339. None: at once."""

    end_time: Moment | None = None
    """Moment after which none starts any more, RFC 3339. None: never."""

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as e:
            raise ValueError("not a name of the IANA time zone database, such as Europe/Berlin or Etc/UTC") from e
        return name

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> "Schedule":
        start, end = self.start_time, self.end_time
        if start is not None and end is not None and moment(end) <= moment(start):
            raise ValueError(f"end_time must be after start_time, which is {start}")
        return self


class Prices(Settings):
    """What your contract says a machine costs; the published lists change and differ by region."""

    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    """ISO 4217."""

    cpu_hour: float = Field(ge=0)
    """One virtual CPU for an hour."""

    gb_hour: float = Field(ge=0)
    """One GB of memory for an hour."""

    accelerator_hour: dict[str, Price] = {}
    """One GPU for an hour, by the type's name."""

    machine_hour: dict[str, Price] = {}
    """One machine for an hour, by its type's name: for a CustomJob and for Dataflow's workers."""

    run: float = Field(default=0.0, ge=0)
    """One pipeline run, whatever it does."""


class Cost(Settings):
    """What a run may cost."""

    prices: Prices
    """Of what it uses."""

    ceiling: float | None = Field(default=None, gt=0)
    """A run that is estimated to cost more is not submitted; `retries` are not counted. None: no limit."""


class Endpoint(Settings):
    """An Endpoint that answers online, in front of the Model Registry's versions."""

    display_name: str = Field(min_length=1, max_length=128)
    """By which it is found, and made if it is missing."""

    machine_type: str = Field(default="n1-standard-2", pattern=r"^[a-z0-9]+-[a-z0-9-]+$")
    """Of each replica."""

    min_replicas: int = Field(default=1, ge=1)
    """Replicas that are always there."""

    max_replicas: int = Field(default=1, ge=1)
    """Replicas at most."""

    new_traffic: Percent = 100
    """Percent of requests that a new version gets; the one before keeps the rest, and without it all go to the new."""

    @model_validator(mode="after")
    def _in_order(self) -> "Endpoint":
        if self.max_replicas < self.min_replicas:
            raise ValueError(f"max_replicas is below min_replicas, which is {self.min_replicas}")
        return self


class Registry(Settings):
    """The Model Registry: one model, of which each push is a version."""

    model_id: str | None = Field(default=None, pattern=r"^[a-z_][a-z0-9_-]{0,62}$")
    """The model's id. None: the pipeline's name."""

    serving_image: str = Field(min_length=1)
    """The container image that serves the SavedModel, such as one of Vertex's prebuilt TensorFlow images."""

    blessed_alias: Alias = "blessed"
    """The alias of the version that is to be served."""

    previous_alias: Alias = "previous"
    """The alias of the version that was served before it."""

    endpoint: Endpoint | None = None
    """Where the newest version is deployed. None: nowhere, the version is only registered."""

    @model_validator(mode="after")
    def _aliases_differ(self) -> "Registry":
        if self.previous_alias in (self.blessed_alias, "default"):
            raise ValueError("previous_alias must not be blessed_alias, nor 'default', which goes with that")
        return self


class Vertex(Settings):
    """Where the pipeline lives on Vertex AI Pipelines."""

    project: str = Field(pattern=r"^[a-z][a-z0-9:.-]{4,61}[a-z0-9]$")
    """The Google Cloud project's id."""

    region: str = Field(pattern=r"^[a-z]+-[a-z]+[0-9]+$")
    """Where it runs, such as `europe-west4`."""

    pipeline_root: Bucket
    """The bucket folder of all artifacts."""

    data_dir: Bucket
    """The bucket folder that stands for `dataset://` on Vertex."""

    serving_dir: Bucket
    """The bucket folder to which models are pushed."""

    schema_dir: Bucket | None = None
    """The bucket folder that stands for `schema_dir` on Vertex; needed where there are curated schemas."""

    image: str = Field(min_length=1)
    """The container image of every task; name it by digest, or caching answers from another build."""

    image_tfx: str | None = Field(default=None, pattern=r"^\d+\.\d+$")
    """TFX line inside the image, such as `1.21`, against which lint holds the compiler's. None: not looked at, which
    lint says."""

    service_account: ServiceAccount | None = None
    """Under which tasks run. None: Compute Engine's default one, which may do too much."""

    network: str | None = Field(default=None, pattern=r"^projects/[^/]+/global/networks/[^/]+$")
    """The peered network, `projects/<number>/global/networks/<name>`. None: none."""

    labels: dict[LabelKey, LabelValue] = {}
    """On each run, besides those that say what it is made of."""

    experiment: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,127}$")
    """The experiment that submitted runs are listed in; those of the schedule are not. None: none."""

    tensorboard: str | None = Field(default=None, pattern=r"^projects/[^/]+/locations/[^/]+/tensorboards/[^/]+$")
    """The managed TensorBoard that training logs go to, which Vertex does for a CustomJob alone. None: they stay in the
    bucket, where `tensorboard --logdir` and `tb-gcp-uploader` read them."""

    failure_policy: Literal["slow", "fast"] = "slow"
    """After a task has failed: `slow` goes on with the tasks that do not need it, `fast` starts no further one."""

    api_endpoint: str | None = Field(
        default=None, pattern=r"^((https://)?[^/\s]+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?)$"
    )
    """Where the API is. None: the region's own. With Private Service Connect, that address. `http://`, which would show
    the token to the network, is for this machine alone."""

    resources: Resources = Resources()
    """Of each task."""

    task_resources: dict[str, Resources] = {}
    """Of single tasks, by their id, such as `TwoTowerTrainer`."""

    retries: Retries = Retries()
    """Of each task."""

    custom_job: WorkerPool | None = None
    """The machine on which the trainer's task starts a CustomJob. None: training runs in the task itself."""

    dataflow: Dataflow | None = None
    """Where Beam components run. None: in their tasks."""

    schedule: Schedule | None = None
    """When the pipeline runs by itself; `perennial vertex schedule` puts it there."""

    cost: Cost | None = None
    """What a run may cost. None: not looked at."""

    registry: Registry | None = None
    """The Model Registry that pushed models are registered in. None: the serving folder alone."""

    @model_validator(mode="after")
    def _logs_reach_tensorboard(self) -> "Vertex":
        if self.tensorboard is not None and (self.custom_job is None or self.service_account is None):
            raise ValueError(
                "tensorboard needs custom_job, as Vertex takes no logs of other tasks, and service_account, by which "
                "it writes; for training in the pipeline's task, leave it out and send the logs with "
                "tb-gcp-uploader --logdir"
            )
        return self
