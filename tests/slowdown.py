"""Says how much slower than usual this machine computes now, for tests that bound CPU time.

Work beside a test takes its caches, and the other half of its core: CPU time, too, grows then, up to two times. The
same work, measured beside the test, grows with it.
"""

import time

import numpy as np

_USUAL_SECONDS = 0.0067
"""CPU time of the work below on an idle core of the machine where the bounds of the tests were measured."""


def slowdown() -> float:
    """Times that the work takes longer than usual; never below 1."""
    taken = []
    vectors = np.random.default_rng(0).normal(size=(10_000, 64)).astype(np.float32)
    for _ in range(9):
        since = time.process_time()
        for n in range(4):
            scores = vectors @ vectors[n]
            scores.max()
            found = {f"item {place}": {"score": place / 7} for place in range(4000)}
            sum(len(name) for name in sorted(found))
        taken.append(time.process_time() - since)
    return max(1.0, float(np.median(taken)) / _USUAL_SECONDS)
