"""The small shop that the service's tests serve: what is beside its model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.service.served_shop import ServedShop, Service
from tests.service.snapshots import Item
from tests.serving_signatures.oracle import Oracle, exported
from tests.trainer_inputs import TrainerInputs

VERSION = 1000

KINDS = {"genre": "category", "year": "number"}

HISTORIES = {
    "u0-0": [("i1", 0.5, 10), ("i2", 6.0, 20), ("i9", 2.0, 30)],
    "u1-0": [("i8", 2.0, 10)],
    "late": [("i16", 0.5, 40)],
}
"""The user `late` is in no training data."""


def shop_items(oracle: Oracle) -> list[Item]:
    """The catalogue's rows, with features as in `tests.trainer_inputs.shop_inputs`."""
    found = []
    for n, item_id in enumerate(item.decode() for item in oracle.order):
        number = int(item_id[1:]) if item_id[1:].isdigit() else None
        genre = [] if number is None else [f"g{number // 8}"]
        features: dict[str, list[Any]] = {"genre": genre, "year": [] if number is None else [1990.0 + number]}
        title = f"The Tale of {item_id}"
        found.append(Item(item_id, title, n, None if number is None else 100 + number, 200 + n, features))
    return found


def pushed_shop(folder: Path, shop: TrainerInputs, oracle: Oracle) -> ServedShop:
    """The shop with one version."""
    place = ServedShop(folder, exported(shop))
    place.push(VERSION, shop_items(oracle), KINDS, HISTORIES)
    return place


@contextmanager
def serving_first(place: ServedShop) -> Iterator[Service]:
    """A service of that shop that answers from its version."""
    with place.running() as running:
        running.serves(VERSION)
        yield running
