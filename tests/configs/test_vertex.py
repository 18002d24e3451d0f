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
