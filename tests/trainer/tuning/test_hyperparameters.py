"""Hyperparameters as KerasTuner reads them, and what a training makes of them."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from common.errors import TrainingError
from configs.models import AnyModel, Ials, ItemItem, TwoTower
from trainer.tuning.hyperparameters import applied, found_values, hyperparameters_of, read_hyperparameters

FOUND = {"embedding_dim": 128, "learning_rate": 0.002, "temperature": 0.1, "history_decay": 0.9, "user_id_dropout": 0.5}


def of_two_tower(**values: Any) -> dict[str, Any]:
    settings = TwoTower(ordered_history=True)
    made = hyperparameters_of(settings, settings.space(10), FOUND | values)
    read: dict[str, Any] = json.loads(json.dumps(made))
    return read


@pytest.mark.e2e
@pytest.mark.parametrize(
    "settings",
    [
        TwoTower(ordered_history=True, embedding_dim=48),
        ItemItem(ordered_history=True),
        ItemItem(method="ease"),
        Ials(unobserved_weight=500),
    ],
    ids=lambda settings: settings.kind,
)
def test_keras_tuner_reads_them_and_knows_ranges_defaults_and_values(settings: AnyModel) -> None:
    import keras_tuner

    space = settings.space(10)
    values = {name: searched.at(0.7) for name, searched in space.items()}
    read = keras_tuner.HyperParameters.from_config(json.loads(json.dumps(hyperparameters_of(settings, space, values))))
    assert read.values.items() >= {"kind": settings.kind, **values}.items()
    assert {each.name for each in read.space} >= {"kind", "ordered_history", *space}
    searched = [each for each in read.space if each.name in space]
    assert len(searched) == len(space) and all(read.get(each.name) == each.value for each in read.space[:3])
    for each in searched:
        assert read.get(each.name) == values[each.name]
        assert each.default == getattr(settings, each.name)
        assert each.prob_to_value(0.999) == pytest.approx(space[each.name].at(1.0), rel=0.02)
    # What it writes is what it read.
    assert keras_tuner.HyperParameters.from_config(read.get_config()).values == read.values


def test_applied_values_replace_those_of_the_config_and_are_named() -> None:
    made, tuned = applied(TwoTower(ordered_history=True), of_two_tower(user_id_dropout=0.2))
    assert isinstance(made, TwoTower)
    assert (made.embedding_dim, made.temperature, made.epochs) == (128, 0.1, 20)
    assert tuned == {name: value for name, value in FOUND.items() if name != "user_id_dropout"}  # 0.2 is the config's


@pytest.mark.parametrize("hyperparameters", [None, {"space": [], "values": {}}])
def test_applied_without_values_changes_nothing(hyperparameters: dict[str, Any] | None) -> None:
    assert applied(TwoTower(), hyperparameters) == (TwoTower(), {})


def test_applied_values_of_another_kind_are_ignored_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert applied(Ials(), of_two_tower()) == (Ials(), {})
    assert "are of a model of the kind two_tower, and are not used for ials" in caplog.text


def test_applied_config_changed_since_the_search_wins_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    edited = TwoTower(ordered_history=True, temperature=0.3)
    with caplog.at_level(logging.WARNING):
        assert applied(edited, of_two_tower()) == (edited, {})
    assert "the config has changed temperature from 0.2 to 0.3" in caplog.text


def test_applied_setting_that_was_not_searched_changed_since_the_search_wins_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    edited = TwoTower(ordered_history=True, batch_size=99, patience=None)
    with caplog.at_level(logging.WARNING):
        assert applied(edited, of_two_tower()) == (edited, {})
    assert "has changed patience from 2 to none, batch_size from 1024 to 99. Search again." in caplog.text


def test_applied_setting_without_influence_may_change() -> None:
    _, tuned = applied(TwoTower(ordered_history=True, seed=7, warm_start=False, eval_top_k=(5,)), of_two_tower())
    assert tuned == FOUND


def test_applied_what_another_tuner_wrote_is_used_too() -> None:
    made, tuned = applied(TwoTower(), {"space": [], "values": {"temperature": 0.1}})
    assert isinstance(made, TwoTower)
    assert made.temperature == 0.1 and tuned == {"temperature": 0.1}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"values": {"heat": 0.1}}, "The hyperparameters hold heat, which is no setting of trainer .kind two_tower"),
        ({"values": {"temperature.x": 1}}, "The hyperparameters hold temperature.x, which is no setting"),
        ({"values": {"temperature": -1}}, "The hyperparameters do not fit trainer: temperature: .*received -1"),
        ({"values": {"embedding_dim": 9.5}}, "embedding_dim: .*received 9.5"),
        ({"values": {"temperature": "hot"}}, "temperature: .*received 'hot'"),
        ({"space": []}, "have no values: .* received the keys space"),
        ({}, r"received the keys \(none\)"),
    ],
)
def test_applied_what_does_not_fit_is_an_error(values: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        applied(TwoTower(), values)


def test_found_values_are_those_that_a_next_search_begins_with() -> None:
    assert found_values(TwoTower(ordered_history=True), of_two_tower()) == FOUND


@pytest.mark.parametrize(
    ("content", "message"), [("{", "holds no hyperparameters"), ("[]", "holds list, no hyperparameters")]
)
def test_read_hyperparameters_damaged_file_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "best_hyperparameters.txt").write_text(content)
    with pytest.raises(TrainingError, match=message):
        read_hyperparameters(str(tmp_path))


def test_read_hyperparameters_folder_with_two_files_is_an_error(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(TrainingError, match="holds no hyperparameters"):
        read_hyperparameters(str(tmp_path))
