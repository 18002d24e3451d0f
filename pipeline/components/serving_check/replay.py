"""Loads a SavedModel as a server would and replays the requests stored in it; ServingCheck runs this as a script.

Nothing of Perennial may be imported here: the check is that the model answers without it. Usage:

    python -I replay.py <SavedModel> <options, JSON> <where the result goes>

The options are the fields of `configs.push.ServingCheckSettings`; `signatures`, the names that the model must have;
`together`, those of which it must have all or none;
`requests_file` and `requests_format`, the path in the model and the format version of `documents.serving_requests`; and
`answers_file`, the file of `common.answers`.
The result is `serving_check.json` without the field `blessed`.
"""

import ctypes
import json
import os
import resource
import runpy
import signal
import sys
import time
from typing import Any

import numpy as np
import tensorflow as tf

ROUNDS = 3
"""How often a signature that is too slow is timed, at most; the best round counts. So a model does not fail because the
machine is busy with something else for a while."""

_PR_SET_PDEATHSIG = 1
"""Linux, prctl(2): the signal that this process gets when its parent dies."""


def nothing_asked(*failures: str) -> dict[str, Any]:
    """Returns the result before a model is loaded; `load_seconds` and `peak_rss_mib` are None until then."""
    return {"failures": list(failures), "load_seconds": None, "signatures": {}, "peak_rss_mib": None}


def replay(folder: str, options: dict[str, Any]) -> dict[str, Any]:
    """Loads, asks, compares and times.

    Args:
        folder: The SavedModel.
        options: See the module.

    Returns:
        `failures`, `load_seconds`, `peak_rss_mib`, and in `signatures` by name: the number of `requests`; the
        `max_difference`, the largest difference between a number and the trainer's, relative to its row; and
        `latency_ms` in milliseconds.
    """
    try:
        with open(os.path.join(folder, options["requests_file"]), encoding="utf-8") as file:
            stored = json.load(file)
    except FileNotFoundError:
        return nothing_asked(f"the model has no file {options['requests_file']}")
    found, ours = stored.get("format_version", 1), options["requests_format"]  # the first format had no version field
    if found != ours:
        return nothing_asked(
            f"the model's {options['requests_file']} has format version {found}, and this code reads version {ours}"
        )
    answers = runpy.run_path(options["answers_file"])
    since = time.monotonic()
    model = tf.saved_model.load(folder)
    result = {**nothing_asked(), "load_seconds": time.monotonic() - since}
    wanted = {*options["signatures"], *stored["signatures"]}
    if wanted.union(model.signatures).intersection(options["together"]):
        wanted.update(options["together"])
    for name in sorted(wanted):
        requests = [request for request in stored["requests"] if request["signature"] == name]
        if name not in model.signatures:
            result["failures"].append(f"{name}: the model has no such signature")
            continue
        if not requests:
            result["failures"].append(f"{name}: the model has no stored request for it")
            continue
        signature = model.signatures[name]
        failures = wrong_kinds(signature, stored["signatures"][name])
        if not failures:
            figures, failures = ask(signature, requests, options, answers)
            result["signatures"][name] = figures
        result["failures"] += [f"{name}: {failure}" for failure in failures]
    result["peak_rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def wrong_kinds(signature: Any, declared: dict[str, dict[str, str]]) -> list[str]:
    """Compares a loaded signature's inputs and outputs, by name and dtype, with those declared."""
    loaded = {
        "inputs": {name: spec.dtype.name for name, spec in signature.structured_input_signature[1].items()},
        "outputs": {name: spec.dtype.name for name, spec in signature.structured_outputs.items()},
    }
    parts = [part for part in loaded if loaded[part] != declared[part]]
    return [f"its {part} are {loaded[part]}, but should be {declared[part]}" for part in parts]


def ask(
    signature: Any, requests: list[dict[str, Any]], options: dict[str, Any], answers: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Asks one signature all its requests; `answers` holds the functions of `common.answers`.

    Returns:
        Its figures, and the failures.
    """
    failures, difference = [], 0.0
    for request in requests:
        inputs = {name: tensor(form, answers) for name, form in request["inputs"].items()}
        try:
            answer = {name: value.numpy() for name, value in signature(**inputs).items()}
        except tf.errors.OpError as e:
            # The first lines of the message only name the graph; the cause is at its end.
            failures.append(f"{request['name']}: {type(e).__name__}: {' '.join(e.message.split())[-300:]}")
            continue
        asked = answers["array"](request["inputs"]["k"]).tolist() if "k" in inputs else None
        found, largest = answers["compare"](answer, request["outputs"], options["tolerance"], asked)
        failures += [f"{request['name']}: {failure}" for failure in found]
        difference = max(difference, largest)
    figures: dict[str, Any] = {"requests": len(requests), "max_difference": difference}
    timed = [
        {n: tensor(form, answers) for n, form in request["inputs"].items()}
        for request in requests
        if not request["edge"]
    ]
    if timed and not failures:
        figures["latency_ms"] = latency = best_latency(signature, timed, options)
        if latency["p95"] > options["max_p95_latency_ms"]:
            limit = options["max_p95_latency_ms"]
            failures.append(f"95 % of requests take up to {latency['p95']:.1f} ms; the limit is {limit:g} ms")
    return figures, failures


def best_latency(signature: Any, asked: list[dict[str, Any]], options: dict[str, Any]) -> dict[str, float]:
    """Times at most `ROUNDS` rounds and returns the milliseconds of the best one: `p50`, `p95` and `max`."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        milliseconds = []
        for inputs in asked * options["repeats"]:
            since = time.perf_counter()
            for value in signature(**inputs).values():
                value.numpy()
            milliseconds.append(1000 * (time.perf_counter() - since))
        p50, p95 = np.percentile(milliseconds, 50), np.percentile(milliseconds, 95)
        figures = {"p50": float(p50), "p95": float(p95), "max": max(milliseconds)}
        if not best or figures["p95"] < best["p95"]:
            best = figures
        if best["p95"] <= options["max_p95_latency_ms"]:
            break
    return best


def tensor(form: dict[str, Any], answers: dict[str, Any]) -> Any:
    """Converts a stored input to a tensor."""
    return tf.constant(answers["array"](form), tf.as_dtype(form["dtype"]), form["shape"])


def main() -> None:
    """Runs as a script; it ends when its parent dies, and after the allowed time."""
    folder, options, result = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.alarm(int(options["timeout_seconds"]) + 60)  # in case the parent has died before the previous line
    outcome = replay(folder, options)
    with open(f"{result}.tmp", "w", encoding="utf-8") as file:
        json.dump(outcome, file)
    os.rename(f"{result}.tmp", result)


if __name__ == "__main__":
    main()
