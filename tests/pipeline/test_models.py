"""What the Trainers of a comparison and that of a run know of each other: one model has one origin in both."""

import json
from typing import Any

from configs.load import DEFAULT_CONFIG, load_config
from configs.models import AnyModel, Ials, ItemItem, TwoTower
from configs.pipeline import PipelineConfig
from pipeline.pipeline import create_pipeline
from pipeline.runners.places import vertex_places


def _config(**candidates: AnyModel) -> PipelineConfig:
    config = load_config(DEFAULT_CONFIG)
    values = {**dict(config), "compare": {"candidates": candidates}}
    return PipelineConfig.model_validate(values)


def _settings(config: PipelineConfig, node: str) -> dict[str, Any]:
    pipeline = create_pipeline(config, vertex_places(config))
    [trainer] = [found for found in pipeline.components if found.id == node]
    settings: dict[str, Any] = json.loads(trainer.exec_properties["custom_config"])
    return settings


def test_run_knows_each_candidate_by_the_origin_that_its_comparison_gives_it() -> None:
    config = _config(towers=TwoTower(), items=ItemItem())
    known = _settings(config, "Trainer")["candidates"]
    assert set(known) == {"towers", "items"}
    for name, candidate in known.items():
        compared = _settings(config.compared(), f"Trainer-{name}")
        assert candidate == {"trainer": compared["trainer"], "made_by": compared["made_by"]}
        assert (compared["candidate"], compared["is_compared"], compared["candidates"]) == (name, True, {})
    assert known["towers"]["made_by"]["code_digest"] != known["items"]["made_by"]["code_digest"]


def test_candidate_does_not_depend_on_the_others_and_its_origin_follows_its_settings() -> None:
    before = _settings(_config(items=ItemItem(), other=TwoTower()).compared(), "Trainer-items")
    assert _settings(_config(items=ItemItem(), another=Ials(embedding_dim=8)).compared(), "Trainer-items") == before
    changed = _settings(_config(items=ItemItem(neighbours=7), other=TwoTower()).compared(), "Trainer-items")
    assert changed["made_by"]["config_digest"] != before["made_by"]["config_digest"]
    assert changed["made_by"]["code_digest"] == before["made_by"]["code_digest"]
