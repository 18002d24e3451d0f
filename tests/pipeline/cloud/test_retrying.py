import logging
from pathlib import Path
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions

from common.errors import VertexError
from configs.load import load_config
from pipeline.cloud.client import Api
from pipeline.cloud.retrying import Patience, is_transient, persistently
from pipeline.runners.vertex.runs import read_runs
from tests.pipeline.runners.vertex.conftest import QUICK, WriteConfig, settings
from tests.vertex_api import Cut, Refuse
from tests.vertex_api.cloud import Cloud


@pytest.mark.parametrize(
    "error",
    [
        exceptions.TooManyRequests("quota"),
        exceptions.InternalServerError(""),
        exceptions.BadGateway(""),
        exceptions.ServiceUnavailable(""),
        exceptions.DeadlineExceeded(""),
        requests.exceptions.ConnectionError(),
        requests.exceptions.ChunkedEncodingError(),
        requests.exceptions.JSONDecodeError("half", "", 0),
        requests.exceptions.ReadTimeout(),
        auth_exceptions.TransportError(),
        auth_exceptions.RefreshError("busy", retryable=True),
    ],
)
def test_is_transient_fault_that_passes_is(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        exceptions.BadRequest(""),
        exceptions.Forbidden(""),
        exceptions.NotFound(""),
        exceptions.Conflict(""),
        exceptions.MethodNotImplemented(""),
        auth_exceptions.RefreshError("invalid_grant"),
        auth_exceptions.DefaultCredentialsError(),
        ValueError(),
    ],
)
def test_is_transient_refusal_is_not(error: Exception) -> None:
    assert not is_transient(error)


def test_persistently_too_many_faults_raises_the_last() -> None:
    calls: list[int] = []

    def busy() -> None:
        calls.append(1)
        raise exceptions.ServiceUnavailable(f"number {len(calls)}")

    with pytest.raises(exceptions.ServiceUnavailable, match="number 6"):
        persistently(busy, QUICK)


def test_persistently_time_is_up_makes_no_further_attempt() -> None:
    calls: list[int] = []

    def busy() -> None:
        calls.append(1)
        raise exceptions.ServiceUnavailable("busy")

    with pytest.raises(exceptions.RetryError):
        persistently(busy, Patience(first_pause_seconds=0.01, longest_pause_seconds=0.01, total_seconds=0.0))

    assert len(calls) == 1


@pytest.mark.parametrize("fault", [Refuse(429), Refuse(503), Refuse(504), Cut(), Cut(after_effect=False)])
def test_call_fault_that_never_passes_ends_in_a_clear_error(
    fault: Any, cloud: Cloud, write_config: WriteConfig
) -> None:
    cloud.api.fail("ListPipelineJobs", fault, forever=True)
    vertex = load_config(write_config()).vertex
    assert vertex is not None

    with pytest.raises(VertexError, match="cannot list the runs of movielens-100k: ") as failed:
        read_runs(Api(vertex, QUICK), "movielens-100k", 10)

    assert "in 6 attempts" in str(failed.value)
    assert len(cloud.api.received("ListPipelineJobs")) == QUICK.attempts


def test_call_nothing_listens_there_says_where_to_look(cloud: Cloud, write_config: WriteConfig) -> None:
    vertex = load_config(write_config(api_endpoint="http://127.0.0.1:9")).vertex
    assert vertex is not None

    with pytest.raises(VertexError, match=r"vertex\.api_endpoint"):
        read_runs(Api(vertex, QUICK), "movielens-100k", 10)


def test_credentials_token_endpoint_busy_is_asked_again(cloud: Cloud, write_config: WriteConfig) -> None:
    cloud.api.fail("Token", Cut(after_effect=False), Cut(), Refuse(503))
    vertex = load_config(write_config()).vertex
    assert vertex is not None

    assert read_runs(Api(vertex, QUICK), "movielens-100k", 10) == []


@pytest.mark.parametrize("content", [None, b"[]", b"\xff\xfe\x00", b"{}", b"nothing"])
def test_credentials_broken_file_says_how_to_sign_in(
    content: bytes | None, write_config: WriteConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "broken.json"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))

    with pytest.raises(VertexError, match="gcloud auth application-default login"):
        read_runs(Api(settings(write_config())), "movielens-100k", 10)


def test_credentials_other_warnings_of_urllib3_are_still_reported(
    cloud: Cloud, write_config: WriteConfig, caplog: pytest.LogCaptureFixture
) -> None:
    read_runs(Api(settings(write_config())), "movielens-100k", 10)

    logger = logging.getLogger("urllib3.connectionpool")
    logger.warning("Retrying %s", "/v1/projects/-/serviceAccounts/a/allowedLocations")
    logger.warning("Retrying %s", "/v1/pipelineJobs")

    said = [record.getMessage() for record in caplog.records if record.name == logger.name]
    assert [line for line in said if line.startswith("Retrying /")] == ["Retrying /v1/pipelineJobs"]


def test_call_that_the_service_does_not_know_is_reported_at_once(cloud: Cloud, write_config: WriteConfig) -> None:
    cloud.api.fail("ListPipelineJobs", Refuse(501), forever=True)

    with pytest.raises(VertexError, match=rf"{cloud.api.url} does not have this method \(501\)"):
        read_runs(Api(settings(write_config())), "movielens-100k", 10)

    assert len(cloud.api.received("ListPipelineJobs")) == 1
