import hashlib
import json
import re
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from configs.load import DEFAULT_CONFIG, config_digest, load_config
from pipeline.cloud.client import Api
from pipeline.commands import cli
from pipeline.commands.vertex.submit import _start
from pipeline.runners.vertex.compile import compile_job
from pipeline.runners.vertex.request import create_request, run_id
from tests.pipeline.runners.vertex.conftest import DATA, WriteConfig, settings
from tests.vertex_api import Cut, Refuse
from tests.vertex_api.cloud import Cloud
from tests.vertex_api.credentials import EMAIL
from tests.vertex_api.faults import api_disabled, permission_denied
from tests.vertex_api.resources import PARENT

ACCOUNT = "perennial-pipeline@example-project.iam.gserviceaccount.com"
NETWORK = "projects/12345/global/networks/recommenders"


def submit(config: Path, job: Path, *further: str) -> int:
    return cli.main(["vertex", "submit", "--config", str(config), "--job", str(job), *further])


def sent_job(cloud: Cloud) -> dict[str, Any]:
    (request,) = cloud.api.received("CreatePipelineJob")
    return json_format.MessageToDict(type(request).pb(request))["pipelineJob"]


def test_submit_config_creates_job_as_it_says(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(network=NETWORK, failure_policy="fast", labels={"team": "shelf"})

    assert submit(config, job_file) == 0

    job, compiled = sent_job(cloud), json.loads(job_file.read_text())
    assert job["serviceAccount"] == ACCOUNT
    assert job["network"] == NETWORK
    assert job["displayName"] == "movielens-100k"
    assert job["runtimeConfig"] == {
        "gcsOutputDirectory": compiled["runtimeConfig"]["gcsOutputDirectory"],
        "failurePolicy": "PIPELINE_FAILURE_POLICY_FAIL_FAST",
    }
    assert job["pipelineSpec"] == compiled["pipelineSpec"]
    assert job["labels"]["team"] == "shelf"
    assert job["labels"]["tfx_version"] == compiled["labels"]["tfx_version"]
    assert job["labels"]["config_digest"] == config_digest(load_config(DEFAULT_CONFIG))[:32]

    run_id, link = capsys.readouterr().out.split()
    assert [name.rpartition("/")[2] for name in cloud.pipelines.jobs] == [run_id]
    assert link == (
        f"https://console.cloud.google.com/vertex-ai/locations/europe-west4/pipelines/runs/{run_id}"
        "?project=example-project"
    )


def test_submit_data_labelled_with_digest_of_listing(cloud: Cloud, write_config: WriteConfig, job_file: Path) -> None:
    def line(part: str, name: str, content: bytes) -> str:
        checksum = b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()
        return f"{part}\t{name}\t{len(content)}\t{checksum}\n"

    submit(write_config(), job_file)

    text = line("CatalogueGen\ttrain", "items.tsv", b"items") + line("InteractionGen\tlog", "ratings.tsv", b"ratings")
    assert sent_job(cloud)["labels"]["data_digest"] == hashlib.sha256(text.encode()).hexdigest()[:32]


def test_submit_without_job_compiles_config(cloud: Cloud, write_config: WriteConfig, tmp_path: Path) -> None:
    config, job = write_config(), tmp_path / "job.json"

    assert cli.main(["vertex", "submit", "--config", str(config)]) == 0

    assert cli.main(["vertex", "compile", "--config", str(config), "--output", str(job)]) == 0
    assert sent_job(cloud)["pipelineSpec"] == json.loads(job.read_text())["pipelineSpec"]


def test_submit_no_cache_forbids_it_to_each_task(cloud: Cloud, write_config: WriteConfig, job_file: Path) -> None:
    submit(write_config(), job_file, "--no-cache")

    tasks = sent_job(cloud)["pipelineSpec"]["root"]["dag"]["tasks"].values()
    assert {task["cachingOptions"]["enableCache"] for task in tasks} == {False}


@pytest.mark.usefixtures("signed_out")
def test_submit_dry_run_signed_out_prints_what_would_be_sent(
    cloud: Cloud,
    write_config: WriteConfig,
    job_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = write_config(network=NETWORK)

    assert submit(config, job_file, "--dry-run") == 0

    assert cloud.api.requests == []
    said = json.loads(capsys.readouterr().out)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(cloud.key_file))
    assert submit(config, job_file) == 0
    sent = sent_job(cloud)
    assert sent["labels"].pop("data_digest")
    assert sent == said["pipelineJob"]
    assert said["parent"] == PARENT


@pytest.mark.parametrize("fault", [Refuse(429), Refuse(503), Refuse(500), Cut(after_effect=False)])
def test_submit_passing_fault_is_tried_again(
    fault: Any, cloud: Cloud, write_config: WriteConfig, job_file: Path
) -> None:
    cloud.api.fail("CreatePipelineJob", fault)

    assert submit(write_config(), job_file) == 0

    first, second = cloud.api.received("CreatePipelineJob")
    assert first == second
    assert len(cloud.pipelines.jobs) == 1


def test_submit_reply_cut_after_effect_creates_one_run(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.api.fail("CreatePipelineJob", Cut())

    assert submit(write_config(), job_file) == 0

    (name,) = cloud.pipelines.jobs
    assert len(cloud.api.received("CreatePipelineJob")) == 2
    assert name.rpartition("/")[2] in capsys.readouterr().out


def test_submit_id_taken_at_first_attempt_is_refused(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.api.fail("CreatePipelineJob", Refuse(409, "already exists"))

    assert submit(write_config(), job_file) == 1

    assert "already exists" in capsys.readouterr().err
    assert len(cloud.api.received("CreatePipelineJob")) == 1


def test_submit_forbidden_names_permission_role_and_account(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.api.fail("CreatePipelineJob", permission_denied("aiplatform.pipelineJobs.create", PARENT))

    assert submit(write_config(), job_file) == 1

    said = capsys.readouterr().err
    assert said.count("VertexError: cannot create the run") == 1
    assert "aiplatform.pipelineJobs.create" in said and "roles/aiplatform.user" in said and EMAIL in said
    assert len(cloud.api.received("CreatePipelineJob")) == 1


def test_submit_may_not_act_as_service_account_names_it(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.api.fail(
        "CreatePipelineJob", Refuse(403, f"You do not have permission to act as service_account: {ACCOUNT}.")
    )

    assert submit(write_config(), job_file) == 1

    said = capsys.readouterr().err
    assert "roles/iam.serviceAccountUser" in said and ACCOUNT in said


def test_submit_api_not_enabled_says_how_to_enable_it(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.api.fail("CreatePipelineJob", api_disabled("example-project"))

    assert submit(write_config(), job_file) == 1

    command = "gcloud services enable aiplatform.googleapis.com --project=example-project"
    assert command in capsys.readouterr().err


def test_submit_other_project_says_where_to_look(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(write_config(project="another-project"), job_file, "--without-estimate") == 1

    said = capsys.readouterr().err
    assert "another-project" in said and "vertex.project" in said


def test_submit_expired_credentials_says_how_to_sign_in(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.tokens.expired = True

    assert submit(write_config(), job_file) == 1

    said = capsys.readouterr().err
    assert "expired" in said and "gcloud auth application-default login" in said and EMAIL in said
    assert cloud.pipelines.jobs == {}


def test_submit_credentials_refused_by_api_says_how_to_sign_in(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.api.fail("CreatePipelineJob", Refuse(401), forever=True)

    assert submit(write_config(), job_file) == 1

    assert "gcloud auth application-default login" in capsys.readouterr().err


@pytest.mark.usefixtures("signed_out")
def test_submit_no_credentials_says_how_to_sign_in(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(write_config(), job_file) == 1

    assert "gcloud auth application-default login" in capsys.readouterr().err
    assert cloud.api.requests == []


@pytest.mark.parametrize("place", ["log_dir", "pipeline_root", "serving_dir", "schema_dir"])
def test_submit_missing_bucket_says_how_to_make_it(
    place: str,
    cloud: Cloud,
    write_config: WriteConfig,
    job_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    missing = "gs://not-there/folder"
    if place == "log_dir":
        assert submit(write_config(), job_file, f"--parameter=log_dir={missing}") == 1
    else:
        compiled = compile_job(load_config(write_config(**{place: missing})), str(tmp_path))
        assert submit(write_config(), compiled) == 1

    command = "gcloud storage buckets create gs://not-there --location=europe-west4 --project=example-project"
    assert command in capsys.readouterr().err
    assert cloud.pipelines.jobs == {}


def test_submit_no_data_names_path(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del cloud.storage.buckets["example-bucket"][f"{DATA}/items.tsv"]

    assert submit(write_config(), job_file) == 1

    assert f"gs://example-bucket/{DATA}/items.tsv" in capsys.readouterr().err


def test_submit_closed_bucket_names_role(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said_by_gcs = f"{EMAIL} does not have storage.objects.list access to the Google Cloud Storage bucket."
    cloud.api.fail("storage.objects.list", Refuse(403, said_by_gcs), forever=True)

    assert submit(write_config(), job_file) == 1

    said = capsys.readouterr().err
    assert "storage.objects.list" in said and "roles/storage.objectViewer" in said


def test_submit_reply_lost_for_good_says_that_the_run_may_be_there(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.api.fail("CreatePipelineJob", Cut(), forever=True)
    cloud.api.fail("GetPipelineJob", Cut(after_effect=False), forever=True)

    assert submit(write_config(), job_file, "--without-estimate") == 1

    (name,) = cloud.pipelines.jobs
    said = capsys.readouterr().err
    assert f"may have been started: check with `perennial vertex runs show {name.rpartition('/')[2]}`" in said
    assert "try again" not in said


def test_submit_always_too_many_requests_has_started_nothing(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.api.fail("CreatePipelineJob", Refuse(429), forever=True)

    assert submit(write_config(), job_file, "--without-estimate") == 1

    assert "may have been started" not in capsys.readouterr().err


def test_submit_interrupted_while_creating_names_the_run(
    cloud: Cloud,
    write_config: WriteConfig,
    job_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.cloud.client.persistently", interrupted)
    api = Api(settings(write_config()))
    api.credentials = "anyone's"

    with pytest.raises(SystemExit) as ended:
        _start(api, create_request(PARENT, {}, "movielens-100k-1"), wait=False)

    assert ended.value.code == 130
    assert "may have been started: check with `perennial vertex runs show movielens-100k-1`" in capsys.readouterr().err


def test_submit_job_compiled_for_another_image_is_refused(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(write_config(), job_file, "--image", f"other@sha256:{'ab' * 32}") == 1

    assert "not for --image other@" in capsys.readouterr().err
    assert cloud.api.requests == []


def test_submit_job_of_its_image_is_taken_with_its_labels(
    cloud: Cloud, write_config: WriteConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_GIT_COMMIT", "a1b2c3")
    config, job, image = str(write_config()), tmp_path / "job.json", f"other@sha256:{'ab' * 32}"
    assert cli.main(["vertex", "compile", "--config", config, "--output", str(job), "--image", image]) == 0
    monkeypatch.setenv("PERENNIAL_GIT_COMMIT", "later")

    assert submit(Path(config), job, "--image", image) == 0

    assert image in json.dumps(sent_job(cloud)["pipelineSpec"])
    assert sent_job(cloud)["labels"]["git_commit"] == "a1b2c3"


def test_submit_job_goes_with_the_workers_it_was_compiled_for_and_no_others(
    cloud: Cloud, write_config: WriteConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, job = str(write_config(dataflow={"image": f"old@sha256:{'0' * 64}"})), tmp_path / "job.json"
    images = ["--image", f"tasks@sha256:{'ab' * 32}", "--dataflow-image", f"workers@sha256:{'cd' * 32}"]
    assert cli.main(["vertex", "compile", "--config", config, "--output", str(job), *images]) == 0

    assert submit(Path(config), job, *images[:3], f"later@sha256:{'ef' * 32}") == 1
    assert f"was compiled for {images[3]}, not for --dataflow-image later@" in capsys.readouterr().err
    assert cloud.api.requests == []

    assert submit(Path(config), job, *images) == 0
    assert set(re.findall(r"sdk_container_image=([^\"]*)", json.dumps(sent_job(cloud)["pipelineSpec"]))) == {images[3]}


@pytest.mark.parametrize("command", ["submit", "schedules put"])
def test_submit_job_without_dataflow_is_refused_for_an_image_of_workers(
    command: str, cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(dataflow={}, schedule={"cron": "0 3 * * *"})
    workers = ["--dataflow-image", f"workers@sha256:{'cd' * 32}"]
    assert cli.main(["vertex", *command.split(), "--config", str(config), "--job", str(job_file), *workers]) == 1

    assert "was compiled for no such image, not for --dataflow-image workers@" in capsys.readouterr().err
    assert cloud.api.requests == []


@pytest.mark.parametrize("command", ["submit", "schedules put"])
def test_job_of_another_pipeline_is_refused(
    command: str,
    cloud: Cloud,
    write_config: WriteConfig,
    job_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = json.loads(job_file.read_text())
    job["pipelineSpec"]["pipelineInfo"]["name"] = "books"
    other = tmp_path / "books.json"
    other.write_text(json.dumps(job))
    config = str(write_config(schedule={"cron": "0 3 * * *"}))

    assert cli.main(["vertex", *command.split(), "--config", config, "--job", str(other)]) == 1

    assert "is a job of the pipeline 'books'" in capsys.readouterr().err
    assert cloud.api.requests == []


@pytest.mark.parametrize(
    ("name", "begins"),
    [("movielens-100k", "movielens-100k-"), ("My_Pipeline 2", "my-pipeline-2-"), ("2nd", "run-2nd-")],
)
def test_run_id_any_pipeline_name_makes_an_id_that_vertex_takes(name: str, begins: str) -> None:
    one, other = run_id(name), run_id(name)

    assert one.startswith(begins) and one != other
    assert re.fullmatch(r"[a-z][-a-z0-9]{0,127}", run_id(name * 30))


def test_submit_spec_of_another_kind_is_refused_before_anything_is_sent(
    cloud: Cloud, write_config: WriteConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = tmp_path / "job.json"
    job.write_text('{"pipelines": []}')

    assert submit(write_config(), job) == 1

    assert "is not a compiled job" in capsys.readouterr().err
    assert cloud.api.requests == []
