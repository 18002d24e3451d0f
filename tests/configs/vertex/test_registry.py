import pytest
from pydantic import ValidationError

from configs.vertex.registry import Endpoint, Registry


@pytest.mark.parametrize("aliases", [{"previous_alias": "blessed"}, {"previous_alias": "default"}])
def test_registry_alias_that_another_version_needs_is_refused(aliases: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="previous_alias must not be blessed_alias, and not 'default'"):
        Registry.model_validate({"serving_image": "an/image", **aliases})


@pytest.mark.parametrize(("model_id", "fits"), [("shop_2", True), ("2-shop", False), ("-shop", False), ("Shop", False)])
def test_registry_model_id_is_what_the_registry_takes(model_id: str, fits: bool) -> None:
    if fits:
        assert Registry(serving_image="an/image", model_id=model_id).model_id == model_id
    else:
        with pytest.raises(ValidationError, match="model_id"):
            Registry(serving_image="an/image", model_id=model_id)


def test_endpoint_fewer_replicas_at_most_than_always_is_refused() -> None:
    with pytest.raises(ValidationError, match="max_replicas is below min_replicas, which is 2"):
        Endpoint(display_name="recommender", min_replicas=2)
