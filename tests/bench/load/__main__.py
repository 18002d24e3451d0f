"""Makes a shop, runs the service, and prints its tables. Latency says something on an idle machine alone.

CPU milliseconds are of the service: its two processes, without the client. A verdict on the latency is given only if
the generator of the requests was on time.
"""

import argparse
import asyncio
import tempfile
import threading
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.load import shop
from tests.bench.load.flat_out import CONNECTIONS, cost, wrk
from tests.bench.load.http import get, post
from tests.bench.load.open_loop import Measured, open_loop, percentile
from tests.service.served_shop import Service, running
from tests.slowdown import slowdown

RATE = 200
P99_MS, FLAT_OUT, P90_MS = 20.0, 1000.0, 7.0
"""Goals: of the open loop, and of the closed one. The latter two are what Serenade publishes (SIGMOD 2022)."""

CPU_MS = {10_000: 0.5, 100_000: 1.8}
"""Goals: CPU milliseconds of a request with a history of 20, by number of items."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load", description=__doc__)
    parser.add_argument("--items", type=int, default=10_000, help="size of the catalogue")
    parser.add_argument("--rows", type=int, default=300_000, help="interactions of the log")
    parser.add_argument("--seconds", type=int, default=15, help="of each measurement")
    parser.add_argument("--config", type=Path, help="a shop that `--keep` has kept, in place of a new one")
    parser.add_argument("--keep", type=Path, help="make the shop in this folder, and keep it")
    arguments = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="perennial-load-") as temporary:
        config = arguments.config
        if config is None:
            console.print(f"Making a shop of {arguments.items:,} items with the pipeline …")
            config = shop.make_shop(arguments.keep or Path(temporary), arguments.items, arguments.rows)
        console.print(f"This machine computes {slowdown():.1f} times as slowly as where the goals were set.")
        with running(config) as service:
            service.until("in service. Try")
            _closed(console, service, arguments.items, arguments.seconds)
            _open(console, service, config, arguments.items, arguments.seconds)


def _closed(console: Console, service: Service, items: int, seconds: int) -> None:
    port, pid = service.port, service.process.pid
    table = Table("", "CPU ms", "web", "model", "requests/s", "p90, ms", title=f"Flat out, {CONNECTIONS} connections")
    paths = {f"{shop.HISTORY} items": shop.queries(items), "a user": shop.users()}
    for name, asked in paths.items():
        found = cost(pid, port, [get(path) for path in asked], 300 * seconds)
        goal = f" (goal {CPU_MS[items]:g})" if items in CPU_MS and name != "a user" else ""
        closed = wrk(port, asked, seconds)
        shown = ("no wrk", "") if closed is None else (f"{closed.rate:,.0f}", f"{closed.p90_ms:.1f}")
        table.add_row(name, f"{found.total:.2f}{goal}", f"{found.web:.2f}", f"{found.model:.2f}", *shown)
    events = [post("/v1/events", shop.event(n)) for n in range(400 * seconds)]
    found = cost(pid, port, events, 300 * seconds)
    table.add_row("an event", f"{found.total:.2f}", f"{found.web:.2f}", f"{found.model:.2f}", "", "")
    console.print(table)
    console.print(f"Goals: {FLAT_OUT:,.0f} requests/s, p90 below {P90_MS:g} ms.")


def _open(console: Console, service: Service, config: Path, items: int, seconds: int) -> None:
    requests = [get(path) for path in shop.queries(items)]
    alone = asyncio.run(open_loop(service.port, requests, RATE, seconds))
    pushing = threading.Timer(seconds / 4, shop.push_again, [config])
    pushing.start()
    swapping = asyncio.run(open_loop(service.port, requests, RATE, max(seconds, 20)))
    pushing.join()
    table = Table("", "p50, ms", "p90", "p99", "failed", "late, p99", "verdict", title=f"{RATE} requests/s, open loop")
    for name, measured in (("alone", alone), ("with a swap", swapping)):
        shown = [f"{percentile(measured.latency, q):.1f}" for q in (50, 90, 99)]
        table.add_row(name, *shown, str(measured.failed), f"{percentile(measured.late, 99):.1f}", _verdict(measured))
    console.print(table)


def _verdict(measured: Measured) -> str:
    if not measured.is_valid:
        return "none: the generator was late"
    holds = percentile(measured.latency, 99) < P99_MS and not measured.failed
    return f"p99 {'below' if holds else 'NOT below'} {P99_MS:g} ms"


if __name__ == "__main__":
    main()
