import pytest
from pydantic import ValidationError

from configs.models.item_item import ItemItem


@pytest.mark.parametrize(
    ("settings", "is_ordered", "items", "method"),
    [
        ({}, True, 10**6, "directed"),
        ({}, False, 500, "ease"),
        ({"max_items": 499}, False, 500, "cosine"),
        ({"method": "cosine"}, True, 500, "cosine"),
        ({"method": "ease", "max_items": 499}, False, 500, "ease"),
        ({"method": "directed"}, False, 500, "directed"),
    ],
)
def test_method_for_a_log_is_the_one_set_or_one_that_fits(settings, is_ordered, items, method):
    assert ItemItem(**settings, ordered_history=is_ordered).method_for(items) == method


def test_history_limit_is_longer_without_an_order():
    assert ItemItem(ordered_history=False).history_limit > ItemItem(ordered_history=True).history_limit
    assert {ItemItem(max_history=7, ordered_history=ordered).history_limit for ordered in (True, False)} == {7}


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "two_tower"},
        {"method": "jaccard"},
        {"neighbours": 0},
        {"threshold": 1},
        {"threshold": -0.1},
        {"regularisation": 0},
        {"window": 0},
        {"history_decay": 0},
        {"popularity_exponent": -1},
        {"epochs": 3},
    ],
)
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises(ValidationError):
        ItemItem(**settings)
