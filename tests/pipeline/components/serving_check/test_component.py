"""ServingCheck as a node of the pipeline."""

from tfx.types import channel_utils, standard_artifacts

from configs.push import ServingCheckSettings as Settings
from pipeline.components.serving_check.component import ServingCheck


def test_component_is_an_infra_validator_to_the_pusher() -> None:
    channel = channel_utils.as_channel([standard_artifacts.Model()])
    component = ServingCheck(model=channel, settings=Settings())
    assert component.outputs["blessing"].type is standard_artifacts.InfraBlessing
    assert Settings.model_validate_json(component.exec_properties["settings"]) == Settings()
