"""Measures the service's ranking: `python -m tests.bench.ranking` prints CPU milliseconds a query on one core.

CPU time, not latency: it holds still on a machine that others use, too. `before` is what plain NumPy took before the
service was written: a product and a partition, without filter; and exact search inside a filter.
"""

import os

# It is read when NumPy is imported.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from service.ranking.filter_text import parse_filter
from service.ranking.neighbours import graph, nearest
from service.ranking.query import MaxPer, Query, parse_boost
from service.ranking.ranker import Ranker
from service.snapshot.snapshot import Snapshot
from tests.service.snapshots import Item, make_snapshot, write_version

DIM, K = 64, 10
LEFT_OUT = 20
"""A history of 20 items."""

BEFORE = {
    "plain, batch 1": {10_000: 0.13, 100_000: 1.9},
    "plain, batch 32": {10_000: 0.12, 100_000: 1.1},
    "filter, 1 in 200 passes": {10_000: 0.014, 100_000: 0.09},
    "diversity 0.5": {10_000: 0.20, 100_000: 2.1},
    "nearest of 20 for 10": {10_000: 0.003, 100_000: 0.003},
}
"""Milliseconds by number of items."""

WORDS = [f"w{n:x}{n % 7}" for n in range(2000)]


def snapshot_of(items: int, folder: Path) -> Snapshot:
    """A snapshot of random items whose embeddings have a falling spectrum, as trained ones have."""
    rng = np.random.default_rng(1)
    embedding = (rng.normal(size=(items, DIM)) / np.sqrt(np.arange(1, DIM + 1))).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    genre, year = rng.integers(0, 200, items), rng.integers(1900, 2000, items)
    words = rng.integers(0, len(WORDS), (items, 3))
    rows = [
        Item(
            f"item-{n}",
            " ".join(WORDS[word] for word in words[n]),
            features={"genre": [f"g{genre[n]}"], "year": [float(year[n])]},
        )
        for n in range(items)
    ]
    kinds = {"genre": "category", "year": "number"}
    histories = {f"u{n}": [(f"item-{item}", 1.0, 0) for item in rng.integers(0, items, LEFT_OUT)] for n in range(100)}
    version = write_version(folder / "version", rows, kinds, histories)
    ids = [item.item_id for item in rows]
    popularity = rng.random(items)
    return make_snapshot(folder / "made", ids, embedding=embedding, popularity=popularity, version=version)


def cpu_ms(action: Callable[[], object], seconds: float) -> float:
    """CPU milliseconds of one call, the least of five parts, each of a fifth of the time."""
    action()
    best = float("inf")
    for _ in range(5):
        calls, since, end = 0, time.process_time(), time.process_time() + seconds / 5
        while time.process_time() < end:
            action()
            calls += 1
        best = min(best, (time.process_time() - since) / calls)
    return best * 1000


def measure(snapshot: Snapshot, seconds: float) -> dict[str, float]:
    """What is measured, to CPU milliseconds a query."""
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(32, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    left_out = rng.integers(0, snapshot.items, LEFT_OUT)
    ranker = Ranker(snapshot)

    def ranked(query: Query, batch: int = 32) -> float:
        return cpu_ms(lambda: ranker.rank(vectors[:batch], [ranker.plan(query)] * batch), seconds) / batch

    plain = Query(k=K, left_out=left_out)
    filters = {
        "filter, 1 in 200 passes": "genre:g7",
        "filter, 1 in 10 passes": "year>=1990",
        "filter, 9 in 10 pass": "year<1990",
    }
    found = {"plain, batch 1": ranked(plain, 1), "plain, batch 4": ranked(plain, 4), "plain, batch 32": ranked(plain)}
    for name, text in filters.items():
        found[name] = ranked(Query(k=K, left_out=left_out, filter=parse_filter(text, 9)))
    boost = parse_boost("2*genre:any(g1,g2)", 9)
    found |= {
        "boost": ranked(Query(k=K, left_out=left_out, boosts=(boost,))),
        "3 disliked": ranked(Query(k=K, left_out=left_out, disliked=left_out[:3])),
        "max_per genre:1": ranked(Query(k=K, left_out=left_out, max_per=MaxPer("genre", 1))),
        "diversity 0.5": ranked(Query(k=K, left_out=left_out, diversity=0.5)),
        "page at 1,000": ranked(Query(k=K, left_out=left_out, offset=1000)),
        "nearest of 20 for 10": cpu_ms(lambda: nearest(snapshot, left_out, left_out[:10]), seconds),
        "graph, depth 3, breadth 4": cpu_ms(lambda: graph(ranker, 5, 3, 4, 300), seconds),
        "mask of a new filter": cpu_ms(lambda: Ranker(snapshot).masks.of(parse_filter("genre:g7", 9)), seconds),
        "10 titles and features": cpu_ms(lambda: [snapshot.facts_of(place) for place in range(10)], seconds),
        "history of a user": cpu_ms(lambda: snapshot.history_of("u7"), seconds),
        "search, 2 letters": cpu_ms(lambda: snapshot.search("w1", K), seconds),
        "search, 2 words": cpu_ms(lambda: snapshot.search(f"{WORDS[5]} w1", K), seconds),
        "search, a typo": cpu_ms(lambda: snapshot.search(f"{WORDS[1234]}q", K), seconds),
    }
    return found


def opening(made: Path, seconds: float) -> float:
    """CPU milliseconds to open a snapshot."""
    return cpu_ms(lambda: Snapshot.open(made).close(), seconds)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ranking", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds of one measurement")
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000])
    arguments = parser.parse_args()
    results: dict[int, dict[str, float]] = {}
    for items in arguments.items:
        with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
            snapshot = snapshot_of(items, Path(folder))
            opened = opening(Path(folder, "made"), arguments.seconds)
            results[items] = {**measure(snapshot, arguments.seconds), "open the snapshot": opened}
            snapshot.close()
    table = Table("what", title=f"CPU ms a query, {DIM} numbers, k {K}, {LEFT_OUT} items left out")
    for items in results:
        table.add_column(f"{items:,} items", justify="right")
        table.add_column("before", justify="right")
    for name in results[arguments.items[0]]:
        before = [BEFORE.get(name, {}).get(items) for items in results]
        cells = zip((f"{results[items][name]:.3f}" for items in results), before, strict=True)
        table.add_row(name, *(cell for ours, known in cells for cell in (ours, "" if known is None else f"{known:g}")))
    Console().print(table)


if __name__ == "__main__":
    main()
