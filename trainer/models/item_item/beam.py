"""Cosine neighbours as Beam stages, exact or thinned by DIMSUM: for logs whose products do not fit in one machine.

    shards of users → lengths of columns → side input → products of each shard, in blocks → sums → nearest of each row

The result is that of `cosine_neighbours`, bit by bit where sums of weights are exact: no coin depends on the shards.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np

from configs.models.item_item import ItemItem
from trainer.histories import Histories
from trainer.models.item_item.cosine import cosines
from trainer.models.item_item.counting import Columns, columns, user_items
from trainer.models.item_item.dimsum import thinned, thinning
from trainer.models.item_item.neighbours import Neighbours, nearest

BLOCK = 1024
"""Rows of a block of products. A block that is full and has 100,000 columns takes 1.2 GB; one of real logs, where an
item meets some hundred others, a few MB."""


class CosineNeighbours(beam.PTransform):
    """Finds the items whose users are most alike.

    Takes a PCollection of `Histories`, shards of the train split: items are numbers below `items`, and each user is in
    one shard and has a number of its own. Gives a PCollection of `(first item, Neighbours)`, one for each `BLOCK` items
    that a user met.
    """

    def __init__(self, items: int, width: int, settings: ItemItem, seed: int) -> None:
        """Makes the transform.

        Args:
            items: Size of the index.
            width: Neighbours that an item keeps.
            settings: The threshold, the shrinkage, whether events weigh, and how much active users count.
            seed: Seed of the coins of DIMSUM.
        """
        super().__init__()
        self._items = items
        self._width = width
        self._settings = settings
        self._seed = seed

    def expand(self, shards: Any) -> Any:
        """Adds the stages."""
        known = beam.pvalue.AsSingleton(
            shards
            | "Columns" >> beam.Map(_columns, self._items, self._settings)
            | "AddColumns" >> beam.CombineGlobally(_AddColumns(self._items))
        )
        return (
            shards
            | "Products" >> beam.FlatMap(_products, known, self._settings, self._seed)
            | "AddProducts" >> beam.CombinePerKey(_added)
            | "Nearest" >> beam.Map(_nearest, known, self._settings, self._width)
        )


def _columns(shard: Histories, items: int, settings: ItemItem) -> Columns:
    return columns(user_items(shard, items, settings.use_event_weights, settings.activity_exponent))


class _AddColumns(beam.CombineFn):
    """Adds up what is known of columns; of a log without users they are empty."""

    def __init__(self, items: int) -> None:
        self._items = items

    def create_accumulator(self) -> Columns:
        return Columns(np.zeros(self._items), np.zeros(self._items, np.int64), 0.0)

    def add_input(self, accumulator: Columns, element: Columns) -> Columns:
        return accumulator + element

    def merge_accumulators(self, accumulators: Iterable[Columns]) -> Columns:
        return sum(accumulators, self.create_accumulator())

    def extract_output(self, accumulator: Columns) -> Columns:
        return accumulator


def _products(shard: Histories, known: Columns, settings: ItemItem, seed: int) -> Iterator[tuple[int, Any]]:
    """Yields the first item of each block, and the products of the shard's kept entries."""
    met = user_items(shard, len(known.squares), settings.use_event_weights, settings.activity_exponent)
    met = thinned(met, shard.user, thinning(known, settings.threshold), seed)
    by_item = met.T.tocsr()
    for first in range(0, by_item.shape[0], BLOCK):
        rows = by_item[first : first + BLOCK]
        if rows.nnz:
            yield first, (rows @ met).tocsr()


def _added(blocks: Iterable[Any]) -> Any:
    """Adds up products; Beam calls it for parts of the shards on each worker, before anything is shuffled."""
    total: Any = None
    for block in blocks:
        total = block if total is None else total + block
    return total


def _nearest(block: tuple[int, Any], known: Columns, settings: ItemItem, width: int) -> tuple[int, Neighbours]:
    first, products = block
    item = np.arange(first, first + products.shape[0])
    thin = thinning(known, settings.threshold)
    return first, nearest(cosines(products, item, known, thin, settings.shrinkage), width)
