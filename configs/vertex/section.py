"""Defines the `vertex` section: where the pipeline runs on Vertex AI Pipelines, and how its tasks run."""

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
    """How often a failed task is started again, and after which pauses.

    Example:
        vertex:
          retries: {max_count: 2, backoff_seconds: 30}
    """

    max_count: int = Field(default=0, ge=0, le=10)
    """Number of further attempts of a task. Default 0: wrong data or code is as wrong the second time."""

    backoff_seconds: float = Field(default=60.0, ge=0, le=3600)
    """Pause before the first further attempt."""

    backoff_factor: float = Field(default=2.0, ge=1, le=10)
    """Factor by which each further pause is longer than the one before."""

    backoff_max_seconds: float = Field(default=3600.0, ge=0, le=3600)
    """The longest pause."""


class Vertex(Settings):
    """Where and how the pipeline runs on Vertex AI Pipelines.

    Example:
        vertex:
          project: my-project
          region: europe-west4
          pipeline_root: gs://my-bucket/shop/artifacts
          data_dir: gs://my-bucket/datasets
          serving_dir: gs://my-bucket/shop/serving
          image: europe-docker.pkg.dev/my-project/perennial/pipeline@sha256:0123456789abcdef
          service_account: pipeline@my-project.iam.gserviceaccount.com
    """

    project: str = Field(pattern=r"^[a-z][a-z0-9:.-]{4,61}[a-z0-9]$")
    """The Google Cloud project's id."""

    region: str = Field(pattern=r"^[a-z]+-[a-z]+[0-9]+$")
    """Region in which it runs, such as `europe-west4`."""

    pipeline_root: Bucket
    """The bucket folder of all artifacts."""

    data_dir: Bucket
    """The bucket folder that replaces `dataset://` on Vertex."""

    serving_dir: Bucket
    """The bucket folder to which models are pushed."""

    events_dir: Bucket | None = None
    """The bucket folder of exported events, in the bucket of the log's files; needed with `log.events`. Copy the files
    of `perennial events export` there before a run, all of them, and delete there what is no longer among them."""

    schema_dir: Bucket | None = None
    """The bucket folder that replaces `schema_dir` on Vertex; needed if there are curated schemas."""

    image: str = Field(min_length=1)
    """The container image of every task. Name it by digest; with a tag, the cache may return results of another
    build."""

    image_tfx: str | None = Field(default=None, pattern=r"^\d+\.\d+$")
    """The TFX line inside the image, such as `1.21`; lint compares it with the line that compiles. None: lint says that
    it did not compare."""

    service_account: ServiceAccount | None = None
    """The service account that tasks run as. None: Compute Engine's default account, which has too many rights."""

    network: str | None = Field(default=None, pattern=r"^projects/[^/]+/global/networks/[^/]+$")
    """The peered network, `projects/<number>/global/networks/<name>`. None: no peering."""

    labels: dict[LabelKey, LabelValue] = {}
    """Labels of each run, in addition to those that name its config, data, commit and TFX version."""

    experiment: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,127}$")
    """The experiment in which submitted runs are listed; runs of schedules are not. None: no experiment."""

    tensorboard: str | None = Field(default=None, pattern=r"^projects/[^/]+/locations/[^/]+/tensorboards/[^/]+$")
    """The managed TensorBoard that receives the training logs; Vertex supports this for a CustomJob only. None: the
    logs stay in the bucket, where `tensorboard --logdir` and `tb-gcp-uploader` read them."""

    failure_policy: Literal["slow", "fast"] = "slow"
    """What happens after a task has failed: `slow` continues with the tasks that do not need it, `fast` starts no
    further task."""

    api_endpoint: str | None = Field(
        default=None, pattern=r"^((https://)?[^/\s]+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?)$"
    )
    """Address of the API. None: the region's own. With Private Service Connect, that address. `http://`, which would
    show the token to the network, is allowed for this machine only."""

    resources: Resources = Resources()
    """CPU, memory and GPUs of each task."""

    task_resources: dict[str, Resources] = {}
    """CPU, memory and GPUs of single tasks, by the task's id, such as `Trainer`; they replace `resources`. Those
    of `Trainer` and `ServingCheck` count for each candidate of a comparison, such as `Trainer-ials`, too."""

    retries: Retries = Retries()
    """How often and when a failed task is started again."""

    custom_job: WorkerPool | None = None
    """The machine of the CustomJob that the trainer's task starts. None: training runs in the task itself."""

    dataflow: Dataflow | None = None
    """The Dataflow workers that run Beam components. None: Beam runs in the tasks."""

    schedule: Schedule | None = None
    """When the pipeline runs by itself; `perennial vertex schedules put` creates or updates the schedule."""

    compare_schedule: Schedule | None = None
    """When it compares by itself; `perennial vertex schedules put --compare`. Name times at which no run starts."""

    tune_schedule: Schedule | None = None
    """When it searches settings by itself; `perennial vertex schedules put --tune`."""

    cost: Cost | None = None
    """What a run may cost. None: no estimate of the cost."""

    registry: Registry | None = None
    """The Model Registry in which pushed models are registered. None: models go to the serving folder only."""

    @model_validator(mode="after")
    def _logs_reach_tensorboard(self) -> "Vertex":
        if self.tensorboard is not None and (self.custom_job is None or self.service_account is None):
            raise ValueError(
                "tensorboard needs custom_job, because Vertex receives logs from CustomJobs only, and "
                "service_account, which writes the logs. If training runs in the pipeline's task, leave tensorboard "
                "out and upload the logs with tb-gcp-uploader --logdir"
            )
        return self
