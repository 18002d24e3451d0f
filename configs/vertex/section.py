"""The section itself: where the pipeline lives on Vertex AI Pipelines, and how its tasks run."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from configs.base import Settings
from configs.vertex.cost import Cost
from configs.vertex.machines import Dataflow, Resources, WorkerPool
from configs.vertex.registry import Registry
from configs.vertex.schedule import Schedule

_BUCKET = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/.*)?")


def _is_in_a_bucket(path: str) -> str:
    if not _BUCKET.fullmatch(path):
        raise ValueError("must be a folder of a Cloud Storage bucket, such as gs://my-bucket/folder")
    return path


Bucket = Annotated[str, AfterValidator(_is_in_a_bucket)]
"""A folder of a Cloud Storage bucket."""

LabelKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
LabelValue = Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,63}$")]
ServiceAccount = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


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
