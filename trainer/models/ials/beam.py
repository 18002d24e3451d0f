"""Trains the factors of items over shards of users, in Apache Beam, without a table of users.

An iteration is one pass over the shards. A shard gets the item factors as a side input, solves for its users, and adds
what they mean for their items to the items' normal equations. These are summed for each block of items, and solved.
Only sums over users leave a shard, and no factor of a user is kept.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt

from configs.models.ials import Ials
from trainer.models.ials.entries import Entries, Floats
from trainer.models.ials.solve import Objective, normal_equations, penalty, solve_equations, solve_rows

_VALUES_A_BLOCK = 1 << 20
"""Float32 values of the sums of a block: 4 MiB, for which a worker needs room many times."""


# Beam checks annotations against what it infers, which for an array is `ndarray` without a type: here they say Any.


class TrainItemFactors(beam.PTransform):
    """All iterations; its input are `Entries` of users, each a shard, and its output is one float32 `[rows, dim]`.

    The result is that of `fit` but for the order in which floats are added.
    """

    def __init__(self, first: Floats, settings: Ials) -> None:
        """Makes the transform.

        Args:
            first: Item factors to start from, `[rows, dim]`, see `fit.initial_factors`.
            settings: The model's settings.
        """
        super().__init__()
        self._first = first
        self._settings = settings

    def expand(self, shards: Any) -> Any:
        """Adds the stages of each iteration."""
        rows, dim = self._first.shape
        counts = (
            shards
            | "Count" >> beam.Map(lambda shard: np.array([shard.rows, shard.mass.sum()]))
            | "Add counts" >> beam.CombineGlobally(sum)
        )
        users = beam.pvalue.AsSingleton(counts | "Users" >> beam.Map(lambda count: int(count[0])))
        objective = beam.pvalue.AsSingleton(
            counts | "Objective" >> beam.Map(lambda count: Objective.of(self._settings, int(count[0]), rows, count[1]))
        )
        factors = shards.pipeline | "First factors" >> beam.Create([self._first])
        for iteration in range(1, self._settings.iterations + 1):
            sums = shards | f"Solve users {iteration}" >> beam.ParDo(
                _SolveUsers(), beam.pvalue.AsSingleton(factors), objective
            ).with_outputs(_SolveUsers.GRAMIAN, main="blocks")
            gramian = sums[_SolveUsers.GRAMIAN] | f"Add Gramians {iteration}" >> beam.CombineGlobally(sum)
            factors = (
                sums.blocks
                | f"Add equations {iteration}" >> beam.CombinePerKey(_AddParts(rows, dim))
                | f"Solve items {iteration}"
                >> beam.Map(_solve_block, objective, beam.pvalue.AsSingleton(gramian), users)
                | f"Gather items {iteration}" >> beam.combiners.ToList()
                | f"Join items {iteration}" >> beam.Map(_joined, rows, dim)
            )
        return factors


class _SolveUsers(beam.DoFn):
    """Solves for the users of a shard; yields sums by block, and the Gramian of the users."""

    GRAMIAN = "gramian"

    def process(self, shard: Entries, items: Any, objective: Objective) -> Iterator[Any]:
        """Yields what the shard adds.

        Args:
            shard: The users.
            items: The item factors, `[rows, dim]`.
            objective: What is minimised.
        """
        users, _ = solve_rows(shard, items, objective)
        yield beam.pvalue.TaggedOutput(self.GRAMIAN, users.T @ users)
        by_item = shard.transposed(len(items))
        mass, block = by_item.mass, _items_a_block(items.shape[1])
        for chosen, square, linear in normal_equations(by_item, users):
            packed = _packed(square, linear, mass[chosen])
            for number in np.unique(chosen // block):
                inside = chosen // block == number
                yield int(number), (chosen[inside] % block, packed[inside])


class _AddParts(beam.CombineFn):
    """Adds the parts of a block: some of its items, by their numbers in it, with their sums `[items, width]`.

    The accumulator is None at first, then holds the sums of all items of the block.
    """

    def __init__(self, rows: int, dim: int) -> None:
        self._shape = (min(rows, _items_a_block(dim)), _width(dim))

    def create_accumulator(self) -> Any:
        return None

    def add_input(self, accumulator: Any, part: Any) -> Floats:
        if accumulator is None:
            accumulator = np.zeros(self._shape, np.float32)
        accumulator[part[0]] += part[1]
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        merged = None
        for accumulator in accumulators:
            if accumulator is not None:
                merged = accumulator if merged is None else merged + accumulator
        return merged

    def extract_output(self, accumulator: Any) -> Any:
        return accumulator


def _joined(blocks: Any, rows: int, dim: int) -> Floats:
    """Puts the blocks of factors into one array `[rows, dim]`; an item that is in no block has a factor of zero."""
    joined = np.zeros((rows, dim), np.float32)
    for number, factors in blocks:
        start = number * _items_a_block(dim)
        joined[start : start + len(factors)] = factors[: rows - start]
    return joined


def _solve_block(block: Any, objective: Objective, gramian: Any, users: int) -> tuple[int, Floats]:
    """Solves for the items of a block; those without a sum get zero."""
    number, packed = block
    dim = len(gramian)
    square, linear, mass = _unpacked(packed, dim)
    penalties = penalty(mass.astype(np.float64), users, objective)
    return number, solve_equations(square, linear, gramian, penalties, objective)


def _width(dim: int) -> int:
    """Values of an item's sums: the upper triangle of `sum c x xᵀ`, `sum c x`, and `sum c`."""
    return dim * (dim + 1) // 2 + dim + 1


def _items_a_block(dim: int) -> int:
    return max(1, _VALUES_A_BLOCK // _width(dim))


def _packed(square: Floats, linear: Floats, mass: npt.NDArray[np.float64]) -> Floats:
    """The sums of items, `[items, width]`."""
    above = np.triu_indices(square.shape[1])
    return np.concatenate([square[:, above[0], above[1]], linear, mass[:, np.newaxis]], axis=1, dtype=np.float32)


def _unpacked(packed: Floats, dim: int) -> tuple[Floats, Floats, Floats]:
    """The inverse of `_packed`."""
    rows, columns = np.triu_indices(dim)
    square = np.zeros((len(packed), dim, dim), np.float32)
    square[:, rows, columns] = square[:, columns, rows] = packed[:, : len(rows)]
    return square, packed[:, len(rows) : -1].copy(), packed[:, -1]
