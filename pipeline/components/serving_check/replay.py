"""Loads a SavedModel as a server would and replays the requests that it carries; run by ServingCheck as a script.

Nothing of Perennial may be imported here: what is checked is that the model answers without it. Usage:

    python -I replay.py <SavedModel> <options, JSON> <where the result goes>

The options are the fields of `configs.push.ServingCheck` and `signatures`, the names that must be there. The result is
`serving_check.json` without the word `blessed`.
"""

import base64
import ctypes
import itertools
import json
import os
import resource
import signal
import sys
import time
from typing import Any

import numpy as np
import tensorflow as tf

REQUESTS_FILE = "assets.extra/serving_requests.json"
ROUNDS = 3
"""Times that a signature is timed anew if it is too slow, the best of which counts: a machine busy with something else
for a while is not a slow model."""

_PR_SET_PDEATHSIG = 1
"""Linux, prctl(2): the signal that this process gets when its parent dies."""


_TINY = 1e-30
"""What a difference from a row of zeros is measured by: any is too much."""


def nothing_asked(*failures: str) -> dict[str, Any]:
    """The result before a model is loaded; `load_seconds` and `peak_rss_mib` are None until then."""
    return {"failures": list(failures), "load_seconds": None, "signatures": {}, "peak_rss_mib": None}


def replay(folder: str, options: dict[str, Any]) -> dict[str, Any]:
    """Loads, asks, compares and times.

    Args:
        folder: The SavedModel.
        options: See the module.

    Returns:
        `failures`, `load_seconds`, `peak_rss_mib`, and in `signatures` by name the number of `requests`, the largest
        `max_difference` of a number from the trainer's, relative to its row, and `latency_ms` in milliseconds.
    """
    try:
        with open(os.path.join(folder, REQUESTS_FILE), encoding="utf-8") as file:
            stored = json.load(file)
    except FileNotFoundError:
        return nothing_asked(f"the model carries no {REQUESTS_FILE}")
    since = time.monotonic()
    model = tf.saved_model.load(folder)
    result = {**nothing_asked(), "load_seconds": time.monotonic() - since}
    for name in sorted({*options["signatures"], *stored["signatures"]}):
        requests = [request for request in stored["requests"] if request["signature"] == name]
        if name not in model.signatures:
            result["failures"].append(f"{name}: the model has no such signature")
            continue
        if not requests:
            result["failures"].append(f"{name}: the model carries no request for it")
            continue
        signature = model.signatures[name]
        failures = wrong_kinds(signature, stored["signatures"][name])
        if not failures:
            figures, failures = ask(signature, requests, options)
            result["signatures"][name] = figures
        result["failures"] += [f"{name}: {failure}" for failure in failures]
    result["peak_rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def wrong_kinds(signature: Any, declared: dict[str, dict[str, str]]) -> list[str]:
    """Compares a loaded signature's inputs and outputs, by name and dtype, with those declared."""
    came = {
        "inputs": {name: spec.dtype.name for name, spec in signature.structured_input_signature[1].items()},
        "outputs": {name: spec.dtype.name for name, spec in signature.structured_outputs.items()},
    }
    parts = [part for part in came if came[part] != declared[part]]
    return [f"its {part} are {came[part]} and should be {declared[part]}" for part in parts]


def ask(signature: Any, requests: list[dict[str, Any]], options: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Asks one signature everything.

    Returns:
        Its figures, and what was wrong.
    """
    failures, difference = [], 0.0
    for request in requests:
        inputs = {name: tensor(form) for name, form in request["inputs"].items()}
        try:
            answer = {name: value.numpy() for name, value in signature(**inputs).items()}
        except tf.errors.OpError as e:
            # The first lines only say that a graph was at work; the cause comes last.
            failures.append(f"{request['name']}: {type(e).__name__}: {' '.join(e.message.split())[-300:]}")
            continue
        found, largest = compare(answer, request["outputs"], options["tolerance"])
        failures += [f"{request['name']}: {failure}" for failure in found]
        difference = max(difference, largest)
    figures: dict[str, Any] = {"requests": len(requests), "max_difference": difference}
    timed = [{n: tensor(form) for n, form in request["inputs"].items()} for request in requests if not request["edge"]]
    if timed and not failures:
        figures["latency_ms"] = latency = best_latency(signature, timed, options)
        if latency["p95"] > options["max_p95_latency_ms"]:
            limit = options["max_p95_latency_ms"]
            failures.append(f"95 % of requests take up to {latency['p95']:.1f} ms; the limit is {limit:g} ms")
    return figures, failures


def best_latency(signature: Any, asked: list[dict[str, Any]], options: dict[str, Any]) -> dict[str, float]:
    """Milliseconds of the best of at most `ROUNDS` rounds: `p50`, `p95` and `max`."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        came = []
        for inputs in asked * options["repeats"]:
            since = time.perf_counter()
            for value in signature(**inputs).values():
                value.numpy()
            came.append(1000 * (time.perf_counter() - since))
        figures = {"p50": float(np.percentile(came, 50)), "p95": float(np.percentile(came, 95)), "max": max(came)}
        if not best or figures["p95"] < best["p95"]:
            best = figures
        if best["p95"] <= options["max_p95_latency_ms"]:
            break
    return best


def tensor(form: dict[str, Any]) -> Any:
    """A stored input as a tensor."""
    return tf.constant(array(form), tf.as_dtype(form["dtype"]), form["shape"])


def array(form: dict[str, Any]) -> Any:
    """A stored tensor, as far as it is stored: `[..., columns]`."""
    if form["dtype"] == "string":
        flat = np.empty(len(form["values"]), object)
        flat[:] = [base64.b64decode(value) for value in form["values"]]
    else:
        flat = np.frombuffer(base64.b64decode(form["data"]), form["dtype"])
    shape = form["shape"]
    rows = int(np.prod(shape[:-1])) if len(shape) > 1 else 1
    columns = flat.size // rows if rows else 0
    return flat.reshape([*shape[:-1], columns]) if shape else flat.reshape([])


def compare(answer: dict[str, Any], stored: dict[str, Any], tolerance: float) -> tuple[list[str], float]:
    """Compares an answer with the trainer's.

    Ids and flags must be equal. Numbers may differ by the tolerance, relative to the largest of their row. Where
    numbers rank ids, those whose scores are nearer to each other than that may stand in any order.

    Returns:
        What is wrong, and the largest relative difference of a number.
    """
    failures, largest = [], 0.0
    wanted = {name: array(form) for name, form in stored.items()}
    ranked = {"item_id", "score"} <= wanted.keys()
    for name, form in stored.items():
        came, want = answer[name], wanted[name]
        if list(came.shape) != form["shape"]:
            failures.append(f"{name} is {list(came.shape)} and should be {form['shape']}")
            continue
        head = came[..., : want.shape[-1]] if want.ndim > 1 else came
        if want.dtype.kind != "f":
            if not (ranked and name == "item_id") and not np.array_equal(head, want):
                places = int(np.sum(head != want))
                failures.append(f"{name} differs from the trainer's in {places} of {want.size} places")
            continue
        if np.isnan(came).any() or np.isnan(want).any():
            failures.append(f"{name} holds NaN")
        elif not np.array_equal(head[~np.isfinite(head)], want[~np.isfinite(want)]) or np.any(
            np.isfinite(head) != np.isfinite(want)
        ):
            failures.append(f"{name} holds infinities where the trainer's has none, or none where it has")
        else:
            difference = relative_difference(head, want)
            largest = max(largest, difference)
            if difference > tolerance:
                failures.append(f"{name} is up to {difference:.2g} of its row off the trainer's; allowed {tolerance:g}")
    if ranked and not failures:
        rows = zip(answer["item_id"], wanted["item_id"], wanted["score"], strict=True)
        wrong = sum(not same_ranking(came, want, score, tolerance) for came, want, score in rows)
        if wrong:
            failures.append(f"item_id differs from the trainer's in {wrong} of {len(wanted['item_id'])} rows")
    return failures, largest


def relative_difference(came: Any, want: Any) -> float:
    """The largest difference of finite numbers, relative to the largest of the wanted row."""
    finite = np.where(np.isfinite(want), want, 0.0).astype(np.float64)
    if not finite.size:
        return 0.0
    difference = np.abs(np.where(np.isfinite(came), came, 0.0) - finite).max(axis=-1)
    size = np.abs(finite).max(axis=-1)
    return float(np.max(np.where(difference == 0, 0.0, difference / np.where(size == 0, _TINY, size))))


def same_ranking(came: Any, want: Any, score: Any, tolerance: float) -> bool:
    """Whether the ids of one row are the same but for the order of near-equal scores.

    Args:
        came: bytes `[k]`, or longer where not all of the trainer's is stored.
        want: bytes `[k]`, the trainer's.
        score: float32 `[k]`, the trainer's, falling.
        tolerance: Relative to the largest score of the row.
    """
    real = int(np.sum(np.isfinite(score)))
    if any(came[real : len(want)]) or not all(came[:real]) or len(set(came[:real])) != real:
        return False
    near = tolerance * max((abs(float(value)) for value in score[:real]), default=0.0)
    cuts = [0, *(n for n in range(1, real) if score[n - 1] - score[n] > near), real]
    groups = [slice(first, last) for first, last in itertools.pairwise(cuts)]
    if real == len(want):
        groups.pop()  # it may go on beyond what is listed, and another member of it be as good
    return all(set(came[group]) == set(want[group]) for group in groups)


def main() -> None:
    """Runs as a script; dies with its parent, and after the time allowed."""
    folder, options, result = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.alarm(int(options["timeout_seconds"]) + 60)  # should the parent have died before that line
    came = replay(folder, options)
    with open(f"{result}.tmp", "w", encoding="utf-8") as file:
        json.dump(came, file)
    os.rename(f"{result}.tmp", result)


if __name__ == "__main__":
    main()
