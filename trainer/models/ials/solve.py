"""Solves the least squares problems of one side: given the factors of the columns, the factors of all rows.

A row, such as a user, has the normal equations `(a G + sum c x xᵀ + p I) f = sum c x` over its entries, where `x` is
the factor of an entry's column and `c` its confidence, `G` the Gramian of all columns' factors, `a` the unobserved
weight, and `p` the row's penalty (Hu et al. 2008, equation 4; Rendle et al. 2022, section 3).
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from configs.models.ials import Ials
from trainer.chunks import padded_chunks
from trainer.models.ials.entries import Entries, Floats

_VALUES_A_CHUNK = 1 << 22
"""Float32 values in each of the few arrays that are held at a time: 16 MiB, some of which the caches hold."""


@dataclasses.dataclass(frozen=True)
class Objective:
    """What is minimised, see `configs.models.ials`.

    Attributes:
        unobserved_weight: Confidence in each pair without an interaction.
        regularisation: Of a factor whose penalty scales with 1.
        frequency_exponent: The power of a factor's mass with which its penalty grows.
    """

    unobserved_weight: float
    regularisation: float
    frequency_exponent: float

    @classmethod
    def of(cls, settings: Ials, users: int, items: int, mass: float) -> "Objective":
        """The objective for a log.

        Args:
            settings: The model's settings, in which the unobserved weight is relative to that of the interactions.
            users: Number of users.
            items: Number of interacted items.
            mass: Sum of all confidences.
        """
        unobserved_weight = settings.unobserved_weight * mass / max(1, users * items)
        return cls(unobserved_weight, settings.regularisation, settings.frequency_exponent)


def normal_equations(
    rows: Entries, factors: Floats, values_a_chunk: int = _VALUES_A_CHUNK
) -> Iterator[tuple[npt.NDArray[np.int64], Floats, Floats]]:
    """Sums what the entries add to the normal equations.

    Rows of similar length are padded to the longest of their chunk, so that one batched product does for all of them.

    Args:
        rows: The entries.
        factors: `[columns, dim]`.
        values_a_chunk: Bounds the memory: the values in each array that is held, though never fewer than one row needs.

    Yields:
        Some rows that have entries, int64 `[chunk]`; their `sum c x xᵀ`, `[chunk, dim, dim]`; their `sum c x`, `[chunk,
        dim]`.
    """
    dim = factors.shape[1]
    length = np.diff(rows.offset)
    filled = np.flatnonzero(length)
    for chunk in padded_chunks(np.maximum(length[filled], dim), max(1, values_a_chunk // dim)):
        chosen = filled[chunk]
        square = np.zeros((len(chosen), dim, dim), np.float32)
        linear = np.zeros((len(chosen), dim), np.float32)
        longest = int(length[chosen].max())
        # A row may alone be too long for a chunk.
        step = max(1, values_a_chunk // (len(chosen) * dim))
        for start in range(0, longest, step):
            nth = np.arange(start, min(start + step, longest))
            is_entry = nth < length[chosen][:, np.newaxis]
            at = np.where(is_entry, rows.offset[chosen][:, np.newaxis] + nth, 0)
            x = factors[rows.column[at]]
            weighted = x * np.where(is_entry, rows.confidence[at], np.float32(0))[:, :, np.newaxis]
            square += np.matmul(weighted.transpose(0, 2, 1), x)
            linear += weighted.sum(axis=1)
        yield chosen, square, linear


def penalty(mass: npt.NDArray[np.float64], columns: int, objective: Objective) -> Floats:
    """The regularisation of rows, `[rows]`.

    Args:
        mass: `[rows]`, the sum of each row's confidences.
        columns: Number of columns.
        objective: What is minimised.
    """
    scale = (mass + objective.unobserved_weight * columns) ** objective.frequency_exponent
    return (objective.regularisation * scale).astype(np.float32)


def solve_equations(square: Floats, linear: Floats, gramian: Floats, penalties: Floats, objective: Objective) -> Floats:
    """Solves normal equations.

    Args:
        square: `[rows, dim, dim]`, `sum c x xᵀ`; overwritten.
        linear: `[rows, dim]`, `sum c x`.
        gramian: `[dim, dim]`, of the factors of all columns.
        penalties: `[rows]`.
        objective: What is minimised.

    Returns:
        The factors, `[rows, dim]`.
    """
    square += np.float32(objective.unobserved_weight) * gramian
    diagonal = np.arange(square.shape[1])
    square[:, diagonal, diagonal] += penalties[:, np.newaxis]
    return np.linalg.solve(square, linear[:, :, np.newaxis])[:, :, 0]


def solve_rows(rows: Entries, factors: Floats, objective: Objective) -> tuple[Floats, float]:
    """Solves for the factors of all rows.

    Args:
        rows: The entries.
        factors: `[columns, dim]`, of the other side.
        objective: What is minimised.

    Returns:
        The factors `[rows, dim]`, zero for a row without entries. And how much of the squared error they explain: the
        loss of the rows is the sum of all confidences less this, as `fᵀAf - 2fᵀb = -fᵀb` where `Af = b`.
    """
    solved = np.zeros((rows.rows, factors.shape[1]), np.float32)
    gramian = factors.T @ factors
    penalties = penalty(rows.mass, len(factors), objective)
    explained = 0.0
    for chosen, square, linear in normal_equations(rows, factors):
        solved[chosen] = solve_equations(square, linear, gramian, penalties[chosen], objective)
        explained += float(np.vdot(solved[chosen], linear))
    return solved, explained
