"""Breaks the runs of a shop on purpose, and checks what must be true afterwards."""

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from tfx.dsl.components.base.base_node import BaseNode

from configs.load import load_config
from documents.push_record import PushRecord
from documents.service_data import ServiceData
from pipeline.pipeline import create_pipeline
from pipeline.runners.places import local_places
from pipeline.store.runs.records import Run, read_runs
from serving_signatures.provenance import model_digest
from tests import forked
from tests.shop import Shop

ROOT = Path(__file__).resolve().parents[2]
KILLED = -signal.SIGKILL
NEW_ROWS = "".join(f'"{user}","b{user % 7 + 1}",5,1699999{user:03d}\n' for user in range(1, 60))


class Workshop:
    """A shop, and runs of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.shop = Shop(folder)
        # These tests are about faults: a model that is somewhat worse than the last one must still be pushed.
        self._set(gate={"last_blessed_margin": 0.9, "not_worse_than_item_item": None})  # as in `tests.shop`
        self.home, self.serving = self.shop.home, self.shop.home / "serving"
        self.output = folder / "output.txt"

    def _set(self, **settings: Any) -> None:
        self.shop.config.write_text(yaml.safe_dump(yaml.safe_load(self.shop.config.read_text()) | settings))

    @contextlib.contextmanager
    def settings(self, **settings: Any) -> Iterator[None]:
        """Uses other settings while the block runs."""
        before = self.shop.config.read_text()
        self._set(**settings)
        try:
            yield
        finally:
            self.shop.config.write_text(before)

    @property
    def nodes(self) -> list[BaseNode]:
        """The pipeline's nodes in the order of execution."""
        config = load_config(self.shop.config)
        nodes: list[BaseNode] = create_pipeline(config, local_places(config)).components
        return nodes

    def run(self, *, kill_on_write: str = "", **hook: Any) -> int:
        """Runs once; returns the exit status, negative for a signal."""
        return self.start(self.output, kill_on_write, hook or None).wait()

    def start(
        self, output: Path, kill_on_write: str = "", hook: dict[str, Any] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Starts a run, whose output goes to a file."""
        arguments = [str(self.shop.config), json.dumps(hook), kill_on_write]
        command = [forked.python(), "-m", "tests.fault.run", *arguments]
        environment = {**os.environ, forked.NESTED: forked.python()}
        with output.open("wb") as file:
            return subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    def kill(self, node: str, moment: str) -> int:
        """Runs once and kills the run in a node."""
        on_write = node if moment == "writing" else ""
        return self.run(kill_on_write=on_write, what="kill", node=node, moment=moment)

    def add_rows(self, rows: str) -> None:
        """Adds new interactions to the log."""
        (part,) = (self.shop.folder / "interactions").iterdir()
        part.write_text(part.read_text() + rows)

    @property
    def said(self) -> str:
        """The output of the last run."""
        return self.output.read_text()

    @property
    def runs(self) -> list[Run]:
        """The metadata store's runs."""
        return read_runs(str(self.home / "metadata.db"), "shop")

    @property
    def versions(self) -> dict[str, str]:
        """Digests of the models with numeric names, by name, oldest first."""
        names = sorted((path.name for path in self.serving.glob("*") if path.name.isdigit()), key=int)
        return {name: model_digest(str(self.serving / name)) for name in names}

    @property
    def metrics(self) -> dict[str, Any]:
        """The metrics of the last training, without seconds."""
        model_run = self.runs[-1].output("ModelRun")
        assert model_run is not None
        metrics: dict[str, Any] = json.loads((Path(model_run.uri) / "metrics.json").read_text())
        for epoch in metrics["epochs"]:
            epoch.pop("seconds"), epoch.pop("train_seconds")
        return {name: metrics[name] for name in ("epochs", "model", "popularity")}

    def check_nothing_is_left_behind(self) -> None:
        """Checks: no unfinished execution, no folder without artifact, no artifact without folder, no partial push."""
        root = self.home / "artifacts"
        states = Counter(node.state for run in self.runs for node in run.nodes)
        assert states["running"] == 0
        live = {
            "/".join(Path(artifact.uri).relative_to(root).parts[:3])
            for run in self.runs
            for node in run.nodes
            for artifacts in node.outputs.values()
            for artifact in artifacts
            if artifact.state == "LIVE"
        }
        folders = {folder.relative_to(root).as_posix() for folder in root.glob("[!.]*/[!.]*/*")}
        assert folders == live
        working = [*root.glob("*/.system/stateful_working_dir/*"), *root.glob("*/.system/*/*/.temp")]
        assert working == []
        assert [entry.name for entry in self.serving.iterdir() if not entry.name.isdigit() and entry.is_dir()] == []


class ServingWatcher:
    """Watches the serving folder: a folder with a numeric name must hold the whole model from its first moment."""

    def __init__(self, serving: Path) -> None:
        self._serving, self._stop = serving, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.seen: dict[str, set[frozenset[tuple[str, int]]]] = {}
        """For each version, the different listings of files and sizes that were seen."""
        self.live: list[str | None] = []
        """The highest version, which a server would load: one entry for each change; None: there was none."""

    def __enter__(self) -> "ServingWatcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        looks = 0
        while not self._stop.wait(0.001):
            names = sorted((name for name in _names(self._serving) if name.isdigit()), key=int)
            live = names[-1] if names else None
            if self.live[-1:] != [live]:
                self.live.append(live)
            looks += 1
            for name in names:
                # A new version is looked into at once, and all of them again and again.
                if name not in self.seen or looks % 20 == 0:
                    with contextlib.suppress(FileNotFoundError):  # a version may be deleted meanwhile
                        self.seen.setdefault(name, set()).add(listing(self._serving / name))


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def learned(model: Path) -> dict[str, bytes]:
    """The content of a SavedModel, byte for byte: weights, vocabularies, provenance, stored requests and answers.

    Without the graph, in which the numbers of functions depend on the process, without the time of the push, and
    without the gate's judgement: a model that was blessed before a kill is compared with itself after it.
    """
    files = {path.relative_to(model).as_posix(): path.read_bytes() for path in model.rglob("*") if path.is_file()}
    return {name: content for name, content in files.items() if name not in _NOT_LEARNED}


_NOT_LEARNED = ("saved_model.pb", "fingerprint.pb", PushRecord.FILE, ServiceData.FILE)


def listing(folder: Path) -> frozenset[tuple[str, int]]:
    """Relative paths and sizes of all files."""
    return frozenset(
        (path.relative_to(folder).as_posix(), path.stat().st_size) for path in folder.rglob("*") if path.is_file()
    )
