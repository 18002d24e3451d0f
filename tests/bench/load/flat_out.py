"""Asks as fast as the service answers, and says what CPU time each request took of it."""

import asyncio
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.load.cpu import cpu_seconds
from tests.bench.load.http import flat_out

CONNECTIONS = 16

_FIRST = 100


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds of one request.

    Attributes:
        web: Of the process that answers HTTP.
        model: Of all its descendants.
    """

    web: float
    model: float

    @property
    def total(self) -> float:
        """Of all."""
        return self.web + self.model


def cost(pid: int, port: int, requests: Sequence[bytes], number: int) -> Cost:
    """Measures what a request costs at full load.

    Args:
        pid: The process that answers HTTP.
        port: Its port.
        requests: Are sent in turn; the first hundred before it is measured.
        number: How many are sent while it is measured.
    """
    asyncio.run(flat_out(port, requests[:_FIRST], CONNECTIONS, _FIRST))
    before = cpu_seconds(pid)
    replies = asyncio.run(flat_out(port, requests[_FIRST:], CONNECTIONS, number))
    after = cpu_seconds(pid)
    assert {reply.status for reply in replies} == {200}, {reply.status for reply in replies}
    used = {one: seconds - before.get(one, 0.0) for one, seconds in after.items()}
    web = used.pop(pid)
    return Cost(web / number * 1000, sum(used.values()) / number * 1000)


@dataclass(frozen=True)
class Throughput:
    """What wrk has measured.

    Attributes:
        rate: Requests a second.
        p90_ms: 90 of 100 answers came within so many milliseconds.
        failed: Answers of another status than 2xx, and connections that broke.
    """

    rate: float
    p90_ms: float
    failed: int


def wrk(port: int, paths: Sequence[str], seconds: int) -> Throughput | None:
    """Measures with wrk, a closed loop; None without wrk."""
    if shutil.which("wrk") is None:
        return None
    listed = ",".join(f"{path!r}" for path in paths)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f"local paths = {{{listed}}}; local n = 0\n")
        script.write("request = function() n = n % #paths + 1; return wrk.format('GET', paths[n]) end\n")
        script.flush()
        options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "--latency", "-s", script.name]
        command = ["wrk", *options, f"http://127.0.0.1:{port}"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    p90 = re.search(r"90%\s+([\d.]+)(us|ms|s)", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert p90 is not None and rate is not None, said
    failed = [
        int(number) for number in re.findall(r"(?:Non-2xx or 3xx responses|connect|read|write|timeout):? (\d+)", said)
    ]
    return Throughput(float(rate[1]), float(p90[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[p90[2]], sum(failed))
