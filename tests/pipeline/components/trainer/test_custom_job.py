"""Training in a CustomJob: what is sent to Vertex, what its container runs, and what becomes of it."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.cloud import aiplatform_v1 as v1
from google.cloud.aiplatform import gapic
from tfx import types
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from common.errors import TrainingError, VertexError
from configs.load import DEFAULT_CONFIG, load_config
from configs.vertex.section import Vertex
from pipeline.cloud.retrying import Patience
from pipeline.cloud.training import training_job
from pipeline.components.trainer import custom_job, executor, job_client
from pipeline.ground.artifacts import DataBlessing
from pipeline.ground.presence import mark_absent
from tests import forked
from tests.documents.samples import DATA_GATE
from tests.trainer_inputs import TrainerInputs
from tests.vertex_api import Cut, Refuse, VertexApi
from tests.vertex_api.credentials import Tokens
from tests.vertex_api.custom_jobs import CustomJobs

TENSORBOARD = "projects/1/locations/europe-west4/tensorboards/2"
ROOT = Path(__file__).parents[4]

Artifacts = dict[str, list[types.Artifact]]


def vertex(**changes: Any) -> Vertex:
    section = load_config(DEFAULT_CONFIG).vertex
    assert section is not None
    pool = {"machine_type": "n1-standard-8", "accelerator": {"type": "NVIDIA_TESLA_T4", "count": 2}}
    return Vertex.model_validate({**section.model_dump(mode="json"), "custom_job": pool, **changes})


def artifact(of_type: type[types.Artifact], uri: Path, number: int = 0) -> types.Artifact:
    made = of_type()
    made.uri, made.id = str(uri), number
    if of_type is standard_artifacts.Examples:
        made.split_names = artifact_utils.encode_split_names(["train", "eval"] if "inter" in uri.name else ["train"])
        examples_utils.set_payload_format(made, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(made, "tfrecords_gzip")
    return made


@pytest.fixture
def inputs(shop: TrainerInputs, tmp_path: Path) -> Artifacts:
    """The shop as artifacts of a pipeline's first run: one of them says that there is no base model."""
    for name, splits in (("interactions", ("train", "eval")), ("catalogue", ("train",))):
        (tmp_path / name).mkdir()
        for split in splits:
            source = Path(shop.transform_graph_path).parents[1] / name / split
            (tmp_path / name / f"Split-{split}").symlink_to(source)
    (tmp_path / "blessing").mkdir()
    DATA_GATE.write(tmp_path / "blessing")
    blessing = artifact(DataBlessing, tmp_path / "blessing", 2**62)
    # As Vertex has them: a custom property of any type is a value of JSON.
    blessing.set_json_value_custom_property("data_digest", "é")
    absent = artifact(standard_artifacts.Model, tmp_path / "none", 3)
    mark_absent(absent)
    return {
        "examples": [artifact(standard_artifacts.Examples, tmp_path / "interactions", 1)],
        "transform_graph": [artifact(standard_artifacts.TransformGraph, Path(shop.transform_graph_path))],
        "candidates": [artifact(standard_artifacts.Examples, tmp_path / "catalogue")],
        "candidates_transform_graph": [
            artifact(standard_artifacts.TransformGraph, Path(shop.candidates_transform_graph_path))
        ],
        "data_blessing": [blessing],
        "base_model": [absent],
    }


def outputs(folder: Path) -> Artifacts:
    return {
        "model": [artifact(standard_artifacts.Model, folder / "model")],
        "model_run": [artifact(standard_artifacts.ModelRun, folder / "model_run")],
    }


def properties(shop: TrainerInputs, job: dict[str, Any] | None = None, **trainer: Any) -> dict[str, Any]:
    settings = {
        "embedding_dim": 8,
        "epochs": 3,
        "patience": None,
        "batch_size": 64,
        "learning_rate": 0.02,
        "eval_top_k": (3,),
        **trainer,
    }
    custom = shop.custom_config(**settings) | (custom_job.custom_config_of(job) if job is not None else {})
    return {
        "train_args": "{}",
        "eval_args": "{}",
        "custom_config": json.dumps(custom),
        "run_fn": "trainer.run_fn.run_fn",
        "code_digest": "abc",
    }


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[CustomJobs]:
    environment = {"PYTHONPATH": str(ROOT), "TF_USE_LEGACY_KERAS": "1", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    service = CustomJobs(tmp_path / "vertex", environment)
    yield service
    service.stop()


@pytest.fixture
def api(jobs: CustomJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VertexApi]:
    tokens = Tokens()
    with VertexApi([jobs, tokens]) as server:
        tokens.guard(server)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tokens.key_file(tmp_path / "key.json", server.url)))
        monkeypatch.setattr(custom_job, "_POLL_SECONDS", 0.1)
        for module, name in ((custom_job, "_ASKING"), (job_client, "_STOPPING")):
            monkeypatch.setattr(module, name, Patience(attempts=2, first_pause_seconds=0.1))
        yield server
        assert server.strays == []


def tables(model: Path) -> dict[str, np.ndarray]:
    with np.load(model / "warm_start" / "tables.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.mark.e2e
def test_do_custom_job_runs_our_executor_and_its_model_is_the_one_that_the_task_makes(
    shop: TrainerInputs, inputs: Artifacts, api: VertexApi, jobs: CustomJobs, tmp_path: Path
) -> None:
    job = training_job(vertex(api_endpoint=api.url, tensorboard=TENSORBOARD, labels={"team": "films"}), "shop")
    here, there = tmp_path / "here", tmp_path / "there"
    custom_job.Executor().Do(inputs, outputs(there), properties(shop, job))
    executor.Executor().Do(inputs, outputs(here), properties(shop))

    (sent,) = api.received("CreateCustomJob")
    assert sent.parent == "projects/example-project/locations/europe-west4"
    assert sent.custom_job.display_name == "shop-training"
    assert {"pipeline": "shop", "team": "films"}.items() <= dict(sent.custom_job.labels).items()
    spec = sent.custom_job.job_spec
    assert spec.service_account == "perennial-pipeline@example-project.iam.gserviceaccount.com"
    assert (spec.tensorboard, spec.network) == (TENSORBOARD, "")
    assert spec.base_output_directory.output_uri_prefix == str(there / "model_run")
    (pool,) = spec.worker_pool_specs
    assert (pool.machine_spec.machine_type, pool.replica_count) == ("n1-standard-8", 1)
    # With protobuf 3.20 a field may come as the bare number.
    accelerator = v1.AcceleratorType(pool.machine_spec.accelerator_type).name
    assert (accelerator, pool.machine_spec.accelerator_count) == ("NVIDIA_TESLA_T4", 2)
    assert spec.scheduling.timeout.total_seconds() == 24 * 3600
    assert pool.disk_spec.boot_disk_size_gb == 100
    assert pool.container_spec.image_uri == vertex().image
    assert list(pool.container_spec.command[:3]) == ["python", "-m", "tfx.scripts.run_executor"]

    expected, result = tables(here / "model"), tables(there / "model")
    assert expected.keys() == result.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(result[name], values, err_msg=name)
    files = {str(file.relative_to(there / "model")) for file in (there / "model").rglob("*") if file.is_file()}
    assert files == {str(file.relative_to(here / "model")) for file in (here / "model").rglob("*") if file.is_file()}
    assert "data_blessing/gate.json" in files
    model = tf.saved_model.load(str(there / "model" / "Format-Serving"))
    assert model.signatures["similar_items"](item_id=tf.constant(["i1"]), k=tf.constant([2]))["item_id"].shape == (1, 2)
    # Where Vertex looks for them, and where `tensorboard --logdir` on the artifact finds them too.
    assert sorted(log.name for log in (there / "model_run" / "logs").iterdir()) == ["model", "popularity", "train"]


@pytest.mark.e2e
@pytest.mark.fault
def test_do_failed_job_is_reported_with_where_its_log_is(
    shop: TrainerInputs, inputs: Artifacts, api: VertexApi, jobs: CustomJobs, tmp_path: Path
) -> None:
    diverging = properties(
        shop, training_job(vertex(api_endpoint=api.url), "shop"), learning_rate=1e38, temperature=1e-30
    )
    with pytest.raises(TrainingError, match=r"customJobs/1 ended as JOB_STATE_FAILED: .*non-zero.*training/1\?project"):
        custom_job.Executor().Do(inputs, outputs(tmp_path), diverging)
    assert "TrainingError" in jobs.log("customJobs/1")
    assert api.received("CancelCustomJob") == []


@pytest.mark.fault
def test_do_out_of_quota_and_out_of_reach_for_a_moment_starts_one_job_and_waits_for_it(
    shop: TrainerInputs, inputs: Artifacts, api: VertexApi, tmp_path: Path
) -> None:
    api.fail("CreateCustomJob", Refuse(429, "quota"))
    api.fail("GetCustomJob", Refuse(503), Cut())
    # What it runs does not matter here.
    nothing = {**properties(shop, training_job(vertex(api_endpoint=api.url), "shop")), "run_fn": "no.such.function"}
    with pytest.raises(TrainingError, match="JOB_STATE_FAILED"):
        custom_job.Executor().Do(inputs, outputs(tmp_path), nothing)
    assert [request.rpc for request in api.requests if request.rpc == "CreateCustomJob"] == ["CreateCustomJob"] * 2


@pytest.mark.fault
@pytest.mark.parametrize(
    ("code", "advice"),
    [(403, r"refused .*\(403: .*no\).*roles/aiplatform\.user"), (503, "may have been started nevertheless")],
)
def test_do_refused_job_says_what_it_takes(
    shop: TrainerInputs, inputs: Artifacts, api: VertexApi, tmp_path: Path, code: int, advice: str
) -> None:
    api.fail("CreateCustomJob", Refuse(code, "no"), forever=True)
    with pytest.raises(VertexError, match=f"project example-project, europe-west4: .*{advice}"):
        custom_job.Executor().Do(
            inputs, outputs(tmp_path), properties(shop, training_job(vertex(api_endpoint=api.url), "shop"))
        )
    assert len(api.received("CreateCustomJob")) == 1


def nothing_to_run(shop: TrainerInputs, api: VertexApi) -> dict[str, Any]:
    """For tests of what becomes of a job, whatever it runs: it ends at once, as failed."""
    job = training_job(vertex(api_endpoint=api.url), "shop")
    return {**properties(shop, job), "run_fn": "no.such.function"}


@pytest.mark.fault
def test_do_reply_to_create_is_lost_waits_for_the_job_that_was_created(
    shop: TrainerInputs, inputs: Artifacts, api: VertexApi, jobs: CustomJobs, tmp_path: Path
) -> None:
    api.fail("CreateCustomJob", Cut())
    with pytest.raises(TrainingError, match="customJobs/1 ended as JOB_STATE_FAILED"):
        custom_job.Executor().Do(inputs, outputs(tmp_path), nothing_to_run(shop, api))
    assert len(jobs.jobs) == 1


@pytest.mark.fault
def test_do_task_again_takes_on_the_job_of_its_earlier_attempt_and_none_of_another_task_or_that_has_failed(
    shop: TrainerInputs, inputs: Artifacts, api: VertexApi, jobs: CustomJobs, tmp_path: Path
) -> None:
    def do(folder: str) -> None:
        custom_job.Executor().Do(inputs, outputs(tmp_path / folder), nothing_to_run(shop, api))

    for number, folder in ((1, "a"), (2, "b"), (3, "b")):
        with pytest.raises(TrainingError, match=f"customJobs/{number} ended"):
            do(folder)
    # The attempt before was lost with its machine, and the job has trained in the meantime.
    jobs.jobs["projects/example-project/locations/europe-west4/customJobs/1"].state = 4
    do("a")
    assert len(jobs.jobs) == 3


@pytest.mark.fault
def test_do_no_quota_that_lasts_is_reported_as_such(
    shop: TrainerInputs, inputs: Artifacts, api: VertexApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom_job, "_QUOTA_SECONDS", 0.1)
    api.fail("CreateCustomJob", Refuse(429, "custom_model_training_nvidia_t4_gpus"), forever=True)
    with pytest.raises(VertexError, match=r"refused .*429.*nvidia_t4_gpus.*need quota"):
        custom_job.Executor().Do(inputs, outputs(tmp_path), nothing_to_run(shop, api))


@pytest.mark.fault
@pytest.mark.parametrize("fault", [None, Cut()])
def test_do_signal_while_the_job_is_created_stops_the_job(
    shop: TrainerInputs,
    inputs: Artifacts,
    api: VertexApi,
    jobs: CustomJobs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Cut | None,
) -> None:
    if fault is not None:
        api.fail("CreateCustomJob", fault)
    create = gapic.JobServiceClient.create_custom_job

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        created = create(*args, **kwargs)
        signal.raise_signal(signal.SIGTERM)
        return created

    def interrupted_before(*args: Any, **kwargs: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return create(*args, **kwargs)

    how = interrupted if fault is None else interrupted_before
    monkeypatch.setattr(gapic.JobServiceClient, "create_custom_job", how)
    with pytest.raises(SystemExit):
        custom_job.Executor().Do(inputs, outputs(tmp_path), nothing_to_run(shop, api))
    assert [request.name for request in api.received("CancelCustomJob")] == list(jobs.jobs)
    assert len(jobs.jobs) == 1


@pytest.mark.fault
def test_do_job_that_cannot_be_stopped_is_logged_and_the_task_still_ends_as_stopped(
    shop: TrainerInputs,
    inputs: Artifacts,
    api: VertexApi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    api.fail("CancelCustomJob", Refuse(503), forever=True)
    monkeypatch.setattr(job_client.JobClient, "get_job", lambda _: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit):
        custom_job.Executor().Do(inputs, outputs(tmp_path), nothing_to_run(shop, api))
    assert "customJobs/1 could not be stopped" in caplog.text


@pytest.mark.fault
@pytest.mark.parametrize("fault", [None, Refuse(503)])
def test_do_signal_while_jobs_are_not_listed_stops_the_job_all_the_same(
    shop: TrainerInputs,
    inputs: Artifacts,
    api: VertexApi,
    jobs: CustomJobs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Refuse | None,
) -> None:
    def interrupted(_: job_client.JobClient) -> None:
        jobs.is_listing = False
        if fault is not None:
            api.fail("ListCustomJobs", fault, forever=True)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(job_client.JobClient, "get_job", interrupted)
    with pytest.raises(SystemExit):
        custom_job.Executor().Do(inputs, outputs(tmp_path), nothing_to_run(shop, api))
    assert len(jobs.jobs) == 1
    assert [request.name for request in api.received("CancelCustomJob")] == list(jobs.jobs)


@pytest.mark.fault
def test_do_signal_while_the_job_is_stopped_waits_till_it_is(
    shop: TrainerInputs,
    inputs: Artifacts,
    api: VertexApi,
    jobs: CustomJobs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api.fail("GetCustomJob", Refuse(403), forever=True)
    cancel = gapic.JobServiceClient.cancel_custom_job

    def interrupted_before(*args: Any, **kwargs: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return cancel(*args, **kwargs)

    monkeypatch.setattr(gapic.JobServiceClient, "cancel_custom_job", interrupted_before)
    with pytest.raises(SystemExit):
        custom_job.Executor().Do(inputs, outputs(tmp_path), nothing_to_run(shop, api))
    assert [request.name for request in api.received("CancelCustomJob")] == list(jobs.jobs)


@pytest.mark.fault
def test_do_states_that_no_training_is_known_to_take_are_waited_out_or_reported(
    shop: TrainerInputs, inputs: Artifacts, api: VertexApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer_than_the_library = gapic.CustomJob(state=99)
    states = iter([newer_than_the_library, gapic.CustomJob(state=gapic.JobState.JOB_STATE_PARTIALLY_SUCCEEDED)])
    monkeypatch.setattr(job_client.JobClient, "get_job", lambda _: next(states))
    with pytest.raises(TrainingError, match="ended as JOB_STATE_PARTIALLY_SUCCEEDED"):
        custom_job.Executor().Do(inputs, outputs(tmp_path), nothing_to_run(shop, api))


@pytest.mark.fault
def test_do_nobody_answers_is_reported(
    shop: TrainerInputs, inputs: Artifacts, api: VertexApi, tmp_path: Path, unused_url: str
) -> None:
    with pytest.raises(VertexError, match="cannot be reached"):
        custom_job.Executor().Do(
            inputs, outputs(tmp_path), properties(shop, training_job(vertex(api_endpoint=unused_url), "shop"))
        )


@pytest.fixture
def unused_url() -> str:
    with VertexApi([]) as server:
        return server.url


_TASK = """
import json, sys
from pathlib import Path
from tests.pipeline.components.trainer import test_custom_job as tests
from pipeline.components.trainer import custom_job
given = json.loads(sys.stdin.read())
inputs = tests.artifact_utils.parse_artifact_dict(given["inputs"])
custom_job.Executor().Do(inputs, tests.outputs(Path(given["folder"])), given["properties"])
"""


@pytest.mark.e2e
@pytest.mark.fault
def test_do_task_is_ended_by_a_signal_stops_its_job(
    shop: TrainerInputs, inputs: Artifacts, api: VertexApi, jobs: CustomJobs, tmp_path: Path
) -> None:
    held = {
        **properties(shop, training_job(vertex(api_endpoint=api.url), "shop")),
        "run_fn": f"{_held.__module__}.{_held.__name__}",
    }
    given = {
        "inputs": artifact_utils.jsonify_artifact_dict(inputs), "folder": str(tmp_path), "properties": held
    }  # fmt: skip
    (tmp_path / "model_run").mkdir()
    started = tmp_path / "model_run" / "started"
    os.mkfifo(started)
    task = subprocess.Popen([forked.python(), "-c", _TASK], stdin=subprocess.PIPE, cwd=ROOT, env=dict(os.environ))
    assert task.stdin is not None
    task.stdin.write(json.dumps(given).encode())
    task.stdin.close()
    assert started.read_text() == "now"  # which waits for it
    task.send_signal(signal.SIGTERM)
    assert task.wait() == 128 + signal.SIGTERM
    assert [request.name for request in api.received("CancelCustomJob")] == list(jobs.jobs)


def _held(fn_args: Any) -> None:
    """A `run_fn` that says that it runs, and does not end."""
    Path(fn_args.model_run_dir, "started").write_text("now")
    signal.pause()
