"""Compares answers of a model with those that its trainer stored: ids, flags, and numbers up to a tolerance.

It needs NumPy alone: ServingCheck runs it in a process without this package, the service in one without TensorFlow.
"""

import base64
import itertools
from typing import Any

import numpy as np

PADDING_SCORE = float(np.finfo(np.float32).min)
"""`serving_signatures.ranking.PADDING_SCORE`; a test compares the two."""

_TINY = 1e-30
"""The divisor for a difference from a row of zeros: any such difference is too large."""


def array(form: dict[str, Any]) -> Any:
    """Converts a stored tensor to an array, with the columns that are stored: `[..., columns]`."""
    if form["dtype"] == "string":
        flat = np.empty(len(form["values"]), object)
        flat[:] = [base64.b64decode(value) for value in form["values"]]
    else:
        flat = np.frombuffer(base64.b64decode(form["data"]), form["dtype"])
    shape = form["shape"]
    rows = int(np.prod(shape[:-1])) if len(shape) > 1 else 1
    columns = flat.size // rows if rows else 0
    return flat.reshape([*shape[:-1], columns])


def compare(
    answer: dict[str, Any], stored: dict[str, Any], tolerance: float, asked: list[int] | None = None
) -> tuple[list[str], float]:
    """Compares an answer with the trainer's.

    Ids and flags must be equal. Numbers must be finite, as other numbers are no JSON. They may differ by the tolerance,
    relative to the largest number of their row; padding must be in the same places. Where scores rank ids, ids whose
    scores differ by less than the tolerance may be in any order.

    Args:
        answer: The model's outputs.
        stored: The trainer's outputs, as they are stored.
        tolerance: Relative to the largest number of a row.
        asked: How many ids each row asks for. None: as many as the answer is wide.

    Returns:
        The failures, and the largest relative difference of a number.
    """
    failures, largest = [], 0.0
    wanted = {name: array(form) for name, form in stored.items()}
    ranked = {"item_id", "score"} <= wanted.keys()
    for name, form in stored.items():
        got, want = answer[name], wanted[name]
        if list(got.shape) != form["shape"]:
            failures.append(f"{name} has the shape {list(got.shape)}, but should have {form['shape']}")
            continue
        head = got[..., : want.shape[-1]] if want.ndim > 1 else got
        if want.dtype.kind != "f":
            if not (ranked and name == "item_id") and not np.array_equal(head, want):
                places = int(np.sum(head != want))
                failures.append(f"{name} differs from the trainer's in {places} of {want.size} places")
            continue
        if not (np.isfinite(got).all() and np.isfinite(want).all()):
            failures.append(f"{name} holds numbers that are not finite")
        elif not np.array_equal(head == PADDING_SCORE, want == PADDING_SCORE):
            failures.append(f"{name} has padding in other places than the trainer's")
        else:
            difference = relative_difference(head, want)
            largest = max(largest, difference)
            if difference > tolerance:
                failures.append(
                    f"{name} differs from the trainer's by up to {difference:.2g} of its row; {tolerance:g} is allowed"
                )
    if ranked and not failures:
        wide = [wanted["item_id"].shape[1]] * len(wanted["item_id"])
        rows = zip(answer["item_id"], wanted["item_id"], wanted["score"], asked or wide, strict=True)
        wrong = sum(not same_ranking(got, want, score, tolerance, k) for got, want, score, k in rows)
        if wrong:
            failures.append(f"item_id differs from the trainer's in {wrong} of {len(wanted['item_id'])} rows")
    return failures, largest


def relative_difference(got: Any, want: Any) -> float:
    """Returns the largest difference of numbers, without padding, relative to the largest number of the wanted row."""
    padding = want == PADDING_SCORE
    wanted = np.where(padding, 0.0, want).astype(np.float64)
    if not wanted.size:
        return 0.0
    difference = np.abs(np.where(padding, 0.0, got) - wanted).max(axis=-1)
    size = np.abs(wanted).max(axis=-1)
    return float(np.max(np.where(difference == 0, 0.0, difference / np.where(size == 0, _TINY, size))))


def same_ranking(got: Any, want: Any, score: Any, tolerance: float, k: int) -> bool:
    """Whether the ids of one row are the same, except for the order of ids with nearly equal scores.

    Args:
        got: The model's ids, bytes `[width]`, or longer if not all of the trainer's ids are stored.
        want: The trainer's ids, bytes `[width]`.
        score: The trainer's scores, float32 `[width]`, in descending order.
        tolerance: Relative to the largest score of the row.
        k: How many ids the row asks for.
    """
    real = int(np.sum(score != PADDING_SCORE))
    if any(got[real : len(want)]) or not all(got[:real]) or len(set(got[:real])) != real:
        return False
    near = tolerance * max((abs(float(value)) for value in score[:real]), default=0.0)
    cuts = [0, *(n for n in range(1, real) if score[n - 1] - score[n] > near), real]
    groups = [slice(first, last) for first, last in itertools.pairwise(cuts)]
    if real in (k, len(want)):
        groups.pop()  # the last group may continue after the end of the list: another of its members is as good
    return all(set(got[group]) == set(want[group]) for group in groups)
