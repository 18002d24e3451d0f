"""Oracles of the item-item model: plain loops over small dense arrays."""

import numpy as np


def matrix_of(interactions, items, weighs=True):
    """The user-item matrix as a dense array; the weights of repeats add up."""
    met = np.zeros((interactions.users, items))
    for user in range(interactions.users):
        for at in range(interactions.offset[user], interactions.offset[user + 1]):
            if interactions.item[at] >= 0:
                met[user, interactions.item[at]] += interactions.weight[at]
    return met if weighs else (met > 0).astype(float)


def cosine_of(met, shrinkage=0.0):
    """The cosine of each pair of columns, zero on the diagonal."""
    items = met.shape[1]
    cosine = np.zeros((items, items))
    for i in range(items):
        for j in range(items):
            length = np.linalg.norm(met[:, i]) * np.linalg.norm(met[:, j])
            if i != j and length > 0:
                users = np.sqrt(np.sum(met[:, i] > 0) * np.sum(met[:, j] > 0))
                cosine[i, j] = met[:, i] @ met[:, j] / length * users / (users + shrinkage)
    return cosine


def table_of(neighbours, items):
    """The neighbours as a dense matrix `[rows, items]`."""
    table = np.zeros((len(neighbours.item), items), np.float32)
    for row, (item, weight) in enumerate(zip(neighbours.item, neighbours.weight, strict=True)):
        for i, w in zip(item, weight, strict=True):
            table[row, i] += w
    return table


def cut(table, width):
    """The entries of each row that are farthest from zero, in order: lists of (column, value), ties by column."""
    best = [sorted((-abs(value), column) for column, value in enumerate(row) if value)[:width] for row in table]
    return [[(column, row[column]) for _, column in kept] for kept, row in zip(best, table, strict=True)]


def listed(neighbours):
    """The neighbours as `cut` gives them."""
    return [
        [(int(i), float(w)) for i, w in zip(item, weight, strict=True) if w]
        for item, weight in zip(neighbours.item, neighbours.weight, strict=True)
    ]
