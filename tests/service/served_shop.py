"""A small shop whose model is served by the real program: `python -m service`, with the model in its own process."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from documents.push_record import PushRecord
from tests import forked
from tests.service.snapshots import Interaction, Item, write_version

WAIT_SECONDS = 120.0

WEIGHTS = {"view": 0.5, "basket": 2.0, "purchase": 6.0}


class Service:
    """A running service."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.until(r"Listening at (\S+)")[1]
        self.client = httpx.Client(base_url=self.url, timeout=60)

    @property
    def output(self) -> str:
        """All that it has said, on both channels."""
        return "".join(self.said)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def until(self, pattern: str) -> "re.Match[str]":
        """Waits until it has said something."""
        found: list[re.Match[str] | None] = []

        def is_said() -> bool:
            has_ended = self.process.poll() is not None
            found.append(re.search(pattern, self.output))
            assert found[-1] or not has_ended, self.output
            return found[-1] is not None

        wait_until(is_said, lambda: self.output)
        assert found[-1] is not None
        return found[-1]

    def serves(self, number: int) -> None:
        """Waits until a version is live."""
        wait_until(
            lambda: (self.model()["live"] or {}).get("version") == number, lambda: f"{self.model()} {self.output}"
        )

    def model(self) -> dict[str, Any]:
        """What `/v1/model` says."""
        return dict(self.client.get("/v1/model").json())

    def get(self, path: str, status: int = 200, /, **parameters: Any) -> Any:
        """Asks, and returns the JSON."""
        answer = self.client.get(path, params=parameters)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        """Sends JSON, and returns the JSON."""
        answer = self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def model_pid(self) -> int:
        """The process of the newest version's model: a fork of a child of the service."""
        servers = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=True)
        parents = ",".join(servers.stdout.split())
        command = ["pgrep", "-n", "-P", parents, "-x", "model_process"]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    def end(self) -> int:
        """Asks it to end, and returns its status."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(WAIT_SECONDS)
        self._reader.join(WAIT_SECONDS)
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)


class ServedShop:
    """A folder with a config and a serving folder."""

    def __init__(self, folder: Path, model: Path, **service: Any) -> None:
        """Writes the config.

        Args:
            folder: A new folder.
            model: The SavedModel that `push` copies.
            **service: Further fields of the config's `service`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.config, self._model = folder, folder / "shop.yaml", model
        self.home = folder / "runs" / "shop"
        self.serving = self.home / "serving"
        log = {"path": "events-*.csv", "columns": {"value": "event", "timestamp": "time"}, "event_weights": WEIGHTS}
        settings = {"auth": "off", "port": 0, "poll_seconds": 0.1, "deadline_seconds": 30.0, **service}
        self.config.write_text(yaml.safe_dump({"name": "shop", "log": log, "service": settings}))

    def push(
        self,
        number: int,
        items: Sequence[Item] = (),
        kinds: Mapping[str, Any] | None = None,
        histories: Mapping[str, Sequence[Interaction]] | None = None,
        *,
        model: Path | None = None,
        damage: Callable[[Path], None] | None = None,
    ) -> Path:
        """Puts a version into the serving folder, whole; a damaged one appears damaged."""
        unfinished = self.home / f"unfinished-{number}"
        shutil.copytree(model or self._model, unfinished)
        if items:
            shutil.rmtree(unfinished / "assets.extra" / "service", ignore_errors=True)
            write_version(unfinished, items, kinds or {}, histories, leave_out="everything")
        PushRecord(pushed_at="2026-01-01T00:00:00+00:00").write(unfinished)
        if damage is not None:
            damage(unfinished)
        self.serving.mkdir(parents=True, exist_ok=True)
        os.rename(unfinished, self.serving / str(number))
        return self.serving / str(number)

    def running(self, python: str = sys.executable) -> contextlib.AbstractContextManager[Service]:
        """Runs the service while the block runs; see `running`."""
        return running(self.config, python)


@contextlib.contextmanager
def running(config: Path, python: str = sys.executable) -> Iterator[Service]:
    """Runs the service of a config while the block runs.

    Args:
        config: The pipeline's YAML.
        python: `forked.python()`, with which it starts within a second, where neither its process nor those that it
            starts are looked at.
    """
    process = subprocess.Popen(
        [python, "-m", "service", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", forked.NESTED: python},
    )
    service = None
    try:
        service = Service(process)
        yield service
        assert service.end() == 0, service.output
    finally:
        process.kill()
        process.wait()


def wait_until(holds: Callable[[], bool], why: Callable[[], str]) -> None:
    """Waits; the test fails if it takes too long."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError(f"it is still not so: {why()}")
