"""The `vertex` section: what does not fit together is refused where it stands."""

from typing import Any

import pytest
from pydantic import ValidationError

from configs.load import DEFAULT_CONFIG, load_config
from configs.vertex import Vertex

TENSORBOARD = "projects/1/locations/europe-west4/tensorboards/2"


def vertex(**changes: Any) -> Vertex:
    section = load_config(DEFAULT_CONFIG).vertex
    assert section is not None
    return Vertex.model_validate({**section.model_dump(mode="json"), **changes})


def test_tensorboard_with_custom_job_and_service_account_is_taken() -> None:
    assert vertex(tensorboard=TENSORBOARD, custom_job={"machine_type": "n1-standard-8"}).tensorboard == TENSORBOARD


@pytest.mark.parametrize("lacking", [{"custom_job": None}, {"service_account": None}])
def test_tensorboard_that_would_stay_empty_is_refused_with_the_way_out(lacking: dict[str, Any]) -> None:
    wanted = {"tensorboard": TENSORBOARD, "custom_job": {"machine_type": "n1-standard-8"}, **lacking}
    with pytest.raises(ValidationError, match=r"tensorboard needs custom_job.*tb-gcp-uploader --logdir"):
        vertex(**wanted)


@pytest.mark.parametrize("aliases", [{"previous_alias": "blessed"}, {"previous_alias": "default"}])
def test_registry_alias_that_another_version_needs_is_refused(aliases: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="previous_alias must not be blessed_alias, nor 'default'"):
        vertex(registry={"serving_image": "an/image", **aliases})


@pytest.mark.parametrize(("model_id", "fits"), [("shop_2", True), ("2-shop", False), ("-shop", False), ("Shop", False)])
def test_registry_model_id_is_what_the_registry_takes(model_id: str, fits: bool) -> None:
    if fits:
        assert vertex(registry={"serving_image": "an/image", "model_id": model_id}).registry is not None
    else:
        with pytest.raises(ValidationError, match=r"registry\.model_id"):
            vertex(registry={"serving_image": "an/image", "model_id": model_id})


@pytest.mark.parametrize(
    "times",
    [
        {"start_time": "2026-13-01T00:00:00Z"},
        {"end_time": "2026-02-30T00:00:00+01:00"},
        {"start_time": "2030-01-01T00:00:00Z", "end_time": "2030-01-01T00:30:00+01:00"},
    ],
)
def test_schedule_times_that_are_none_or_end_before_the_start_are_refused(times: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"is no moment|end_time must be after start_time"):
        vertex(schedule={"cron": "0 3 * * *", **times})


@pytest.mark.parametrize(
    ("cron", "fits"),
    [("*/5 1-3 1,15 JAN Mon-Fri", True), ("0 3 * * 1#2", False), ("@ 0 * * *", False), ("0 3 * *", False)],
)
def test_schedule_cron_has_numbers_names_and_four_signs(cron: str, fits: bool) -> None:
    if fits:
        assert vertex(schedule={"cron": cron}).schedule is not None
    else:
        with pytest.raises(ValidationError, match=r"schedule\.cron"):
            vertex(schedule={"cron": cron})


@pytest.mark.parametrize("prices", ["accelerator_hour", "machine_hour"])
def test_cost_negative_price_is_refused(prices: str) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        vertex(cost={"prices": {"cpu_hour": 1, "gb_hour": 1, prices: {"x": -500.0}}})


@pytest.mark.parametrize(
    ("endpoint", "fits"),
    [
        ("https://vertex.example.com", True),
        ("aiplatform.p.example.com:443", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost", True),
        ("http://vertex.example.com", False),
        ("http://localhost.example.com", False),
        ("http://localhost:80@example.com", False),
    ],
)
def test_api_endpoint_without_encryption_is_this_machine_alone(endpoint: str, fits: bool) -> None:
    if fits:
        assert vertex(api_endpoint=endpoint).api_endpoint == endpoint
    else:
        with pytest.raises(ValidationError, match="api_endpoint"):
            vertex(api_endpoint=endpoint)
