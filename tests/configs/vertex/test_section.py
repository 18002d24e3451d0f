"""The section: what does not fit together is refused where it stands."""

from typing import Any

import pytest
from pydantic import ValidationError

from configs.load import DEFAULT_CONFIG, load_config
from configs.vertex.section import Vertex

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
