"""The Trainer's settings: packed and unpacked they are the same, and what does not fit is never passed over."""

import json
from typing import Any

import pytest

from common.errors import TrainingError
from configs.catalogue import CatalogueSettings
from configs.models.item_item import ItemItem
from configs.models.two_tower import TwoTower
from configs.serving import Serving
from documents.provenance import MadeBy
from trainer.settings import CandidateSettings, TrainerSettings

SETTINGS = TrainerSettings(
    trainer=TwoTower(epochs=3, eval_top_k=(5, 20)),
    candidates={
        "films": CandidateSettings(
            trainer=ItemItem(neighbours=50), made_by=MadeBy(pipeline="shop", config_digest="e", code_digest="f")
        )
    },
    serving=Serving(k=7),
    features=CatalogueSettings.model_validate(
        {
            "features": {
                "words": {"kind": "text", "column": "about"},
                "genres": {"kind": "category", "column": 2, "separator": "|"},
                "year": {"kind": "number", "column": "title", "pattern": r"\((\d{4})\)", "buckets": 4},
            }
        }
    ).features,
    made_by=MadeBy(pipeline="shop", config_digest="c", code_digest="d"),
)


def packed() -> dict[str, Any]:
    """As TFX hands it over: through JSON."""
    values: dict[str, Any] = json.loads(json.dumps(SETTINGS.pack()))
    return values


def said(custom_config: Any) -> str:
    with pytest.raises(TrainingError) as caught:
        TrainerSettings.unpack(custom_config)
    message = str(caught.value)
    assert message.startswith("The Trainer's custom_config does not fit the code that trains: ")
    assert message.endswith(" has compiled the job: compile it again with the version of its image.")
    return message


def test_unpack_what_was_packed_is_the_same() -> None:
    assert TrainerSettings.unpack(packed()) == SETTINGS
    assert packed().keys() == {"trainer", "candidates", "candidate", "is_compared", "serving", "features", "made_by"}


@pytest.mark.parametrize("section", ["trainer", "serving", "features", "made_by"])
def test_unpack_section_missing_is_refused(section: str) -> None:
    values = packed()
    del values[section]
    assert f": {section} is missing, received " in said(values)
    assert f"'{section}'" not in said(values)


@pytest.mark.parametrize("section", [(), ("trainer",), ("serving",), ("features", "year"), ("made_by",)])
def test_unpack_unknown_setting_is_refused(section: tuple[str, ...]) -> None:
    values = packed()
    place = values
    for name in section:
        place = place[name]
    place["epoch"] = 4
    kind = {"features": ["number"], "trainer": ["two_tower"]}.get("".join(section[:1]), [])
    assert f": {'.'.join([*section, *kind, 'epoch'])}: no such setting, received 4. " in said(values)


@pytest.mark.parametrize(
    ("section", "name", "value", "message"),
    [
        ("trainer", "epochs", 0, "trainer.two_tower.epochs: Input should be greater than or equal to 1, received 0"),
        ("trainer", "learning_rate", "fast", "trainer.two_tower.learning_rate: Input should be a valid number, "),
        ("serving", "k", None, "serving.k: Input should be a valid integer, received None"),
        ("made_by", "code_digest", 3, "made_by.code_digest: Input should be a valid string, received 3"),
        (
            "features",
            "item_id",
            {"kind": "text", "column": "x" * 200},
            "features: Value error, a feature's name must be",
        ),
        ("features", "year", {"kind": "date"}, "features.year: Input tag 'date' found using 'kind' does not match"),
    ],
)
def test_unpack_value_that_does_not_fit_is_refused(section: str, name: str, value: Any, message: str) -> None:
    values = packed()
    values[section][name] = value
    assert message in said(values)
    assert "x" * 81 not in said(values)


@pytest.mark.parametrize("nothing", [None, {}])
def test_unpack_nothing_names_every_section(nothing: Any) -> None:
    for section in ("trainer", "serving", "features", "made_by"):
        assert f"{section} is missing, received nothing" in said(nothing)


def test_unpack_of_an_older_job_names_its_sections() -> None:
    older = {"trainer": {}, "serving": {}, "catalogue": {}, "provenance": {"pipeline": "shop"}}
    message = said(older)
    assert "features is missing, received 'trainer', 'serving', 'catalogue', 'provenance'; " in message
    assert "catalogue: no such setting, received {}; " in message


def test_following_takes_the_champion_with_its_origin_and_nothing_else() -> None:
    films = SETTINGS.candidates["films"]
    champion = SETTINGS.following("films")
    assert (champion.trainer, champion.made_by, champion.candidate) == (films.trainer, films.made_by, "films")
    assert champion.serving == SETTINGS.serving
    assert SETTINGS.following(None) == SETTINGS.following("books") == SETTINGS
    assert champion.following("other") == champion
