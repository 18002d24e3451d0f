"""What a tuner may search: positions and values of ranges, and that each kind's ranges are of settings that it has."""

import pytest

from configs.models import Ials, ItemItem, Model, Popularity, TwoTower
from configs.models.ranges import Choice, FloatRange, IntRange, Range

KINDS: list[Model] = [
    TwoTower(),
    Ials(),
    Popularity(),
    *(ItemItem(method=method) for method in ("directed", "ease", "cosine")),
]


@pytest.mark.parametrize(
    ("searched", "values"),
    [
        (FloatRange(1.0, 3.0), [1.0, 2.0, 3.0]),
        (FloatRange(0.01, 100.0, log=True), [0.01, 1.0, 100.0]),
        (IntRange(3, 7), [3, 5, 7]),
        (IntRange(4, 64, log=True), [4, 16, 64]),
        (Choice((32, 64, 128)), [32, 64, 128]),
        (Choice((False, True)), [False, True, True]),
    ],
)
def test_range_goes_from_its_lowest_value_over_the_middle_to_the_highest(searched: Range, values: list[float]) -> None:
    assert [searched.at(position) for position in (0.0, 0.5, 1.0)] == values
    assert all(searched.at(searched.position(value)) == value for value in values)


@pytest.mark.parametrize(
    ("searched", "value", "position"),
    [(FloatRange(1.0, 3.0), 9, 1.0), (FloatRange(1.0, 4.0, log=True), 0, 0.0), (Choice((32, 64)), 50, 0.5)],
)
def test_position_of_a_value_outside_is_the_nearest(searched: Range, value: float, position: float) -> None:
    assert searched.position(value) == position


@pytest.mark.parametrize("settings", KINDS, ids=lambda settings: f"{settings!r}"[:40])
def test_every_kind_can_be_set_to_the_ends_of_its_ranges(settings: Model) -> None:
    space = settings.space(100)
    assert space.keys() <= type(settings).SPACE.keys() <= type(settings).model_fields.keys()
    for end in (0.0, 1.0):
        changed = settings.model_dump() | {name: searched.at(end) for name, searched in space.items()}
        assert type(settings).model_validate(changed, strict=True).model_dump() == changed


@pytest.mark.parametrize("kind", [TwoTower, Ials])
def test_decay_is_searched_only_where_the_order_has_a_meaning(kind: type[Model]) -> None:
    assert "history_decay" in kind(ordered_history=True).space(9)
    assert "history_decay" not in kind(ordered_history=False).space(9)


def test_item_item_searches_what_its_method_uses() -> None:
    without_order = ItemItem(ordered_history=False, max_items=50)
    assert [*without_order.space(50)] == ["regularisation"]
    assert [*without_order.space(51)] == ["shrinkage"]
    assert {"window", "gap_decay", "history_decay"} <= ItemItem(ordered_history=True).space(50).keys()
