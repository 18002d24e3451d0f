"""The loopback is as strict as the API that it stands for: else tests against it would say nothing."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from google.cloud.aiplatform_v1 import types
from google.protobuf import json_format

from tests.vertex_api import Cut, Refuse
from tests.vertex_api.cloud import Cloud, cloud
from tests.vertex_api.pipelines import check_job
from tests.vertex_api.resources import PARENT
from tests.vertex_api.rest import ApiError

JOB: dict[str, Any] = {
    "displayName": "a",
    "pipelineSpec": {"pipelineInfo": {"name": "a"}},
    "runtimeConfig": {"gcsOutputDirectory": "gs://example-bucket/a"},
}


@pytest.fixture
def google(tmp_path: Path) -> Iterator[Cloud]:
    with cloud(tmp_path) as running:
        running.api.gate = None  # these tests speak HTTP themselves
        yield running


def create(google: Cloud, job: dict[str, Any], query: str = "pipelineJobId=a-1") -> requests.Response:
    return requests.post(f"{google.api.url}/v1/{PARENT}/pipelineJobs?{query}", data=json.dumps(job))


def test_create_good_job_is_answered_with_the_published_message(google: Cloud) -> None:
    answer = create(google, JOB)

    job = json_format.Parse(answer.text, types.PipelineJob.pb(types.PipelineJob()))
    assert (answer.status_code, job.name) == (200, f"{PARENT}/pipelineJobs/a-1")
    assert google.api.received("CreatePipelineJob")[0].pipeline_job_id == "a-1"


@pytest.mark.parametrize(
    ("job", "query"),
    [
        (JOB | {"serviceAcount": "a@b.c"}, "pipelineJobId=a-1"),
        (JOB | {"labels": {"a": 1}}, "pipelineJobId=a-1"),
        (JOB, "pipelineJobID=a-1"),
    ],
)
def test_create_field_that_the_proto_lacks_is_refused_and_remembered(
    google: Cloud, job: dict[str, Any], query: str
) -> None:
    assert create(google, job, query).status_code == 400
    assert len(google.api.strays) == 1
    google.api.strays.clear()


def test_unknown_method_is_refused_and_remembered(google: Cloud) -> None:
    assert requests.get(f"{google.api.url}/v1/{PARENT}/nothing").status_code == 404
    assert google.api.strays == [f"GET /v1/{PARENT}/nothing"]
    google.api.strays.clear()


@pytest.mark.parametrize(
    "changed",
    [
        {"labels": {"a": "Not small"}},
        {"labels": {"a": "x" * 64}},
        {"labels": {f"a{number}": "" for number in range(65)}},
        {"displayName": "a" * 129},
        {"runtimeConfig": {}},
        {"runtimeConfig": JOB["runtimeConfig"] | {"parameterValues": {"unknown": 1}}},
        {"pipelineSpec": {"pipelineInfo": {"name": "a"}, "noSuchField": 1}},
        {"pipelineSpec": {"root": {"inputDefinitions": {"parameters": {"needed": {"parameterType": "STRING"}}}}}},
    ],
)
def test_check_job_what_vertex_refuses_is_refused(changed: dict[str, Any]) -> None:
    message = types.PipelineJob.pb(types.PipelineJob())
    json_format.ParseDict(JOB | changed, message)

    with pytest.raises(ApiError):
        check_job(types.PipelineJob.wrap(message))


def test_fail_faults_come_once_each_in_order(google: Cloud) -> None:
    google.api.fail("CreatePipelineJob", Refuse(429), Refuse(503))

    assert [create(google, JOB).status_code for _ in range(3)] == [429, 503, 200]


def test_fail_cut_after_effect_has_taken_effect(google: Cloud) -> None:
    google.api.fail("CreatePipelineJob", Cut())

    connection = http.client.HTTPConnection(google.api.url.removeprefix("http://"))
    connection.request("POST", f"/v1/{PARENT}/pipelineJobs?pipelineJobId=a-1", json.dumps(JOB))

    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()

    assert list(google.pipelines.jobs) == [f"{PARENT}/pipelineJobs/a-1"]


def test_fail_cut_before_effect_has_taken_none(google: Cloud) -> None:
    google.api.fail("CreatePipelineJob", Cut(after_effect=False))

    with pytest.raises(requests.exceptions.ConnectionError):
        create(google, JOB)

    assert google.pipelines.jobs == {}


@pytest.mark.parametrize("token", ["", "Bearer made-up", "Bearer a.b.c"])
def test_guard_without_a_token_of_the_account_is_refused(google: Cloud, token: str) -> None:
    google.tokens.guard(google.api)

    answer = requests.get(f"{google.api.url}/v1/{PARENT}/pipelineJobs", headers={"Authorization": token})

    assert answer.status_code == 401


def test_proxy_lets_nothing_through(google: Cloud) -> None:
    with pytest.raises(requests.exceptions.ProxyError):
        requests.get("https://example.com", proxies={"https": google.api.url})

    assert google.api.outside == ["example.com:443"]


def test_list_is_without_details_as_vertex_lists(google: Cloud) -> None:
    job = types.PipelineJob(job_detail={"task_details": [{"task_name": "a"}]})
    job.pipeline_spec = {"pipelineInfo": {"name": "a"}}
    google.pipelines.put("a-1", job)

    listed = requests.get(f"{google.api.url}/v1/{PARENT}/pipelineJobs").json()["pipelineJobs"]

    assert "jobDetail" not in listed[0] and google.pipelines.jobs[listed[0]["name"]].job_detail.task_details
