"""Runs the real pipeline once a round, each time with one more window of the log, and records how each round ended."""

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from common.atomicity import move_file, new_folder, sweep
from common.errors import OutputError, PerennialError
from configs.log import Log
from configs.pipeline import PipelineConfig
from documents.document import Document
from documents.evaluation import EvaluationReport, Measurement
from documents.metrics import TrainingMetrics
from documents.replay_rounds import PUSHED, REFUSED, STOPPED, ReplayRounds, Round
from documents.warm_start import WarmStartReport
from pipeline.commands.replay import windows
from pipeline.commands.replay.windows import Window
from pipeline.ground.home import local_home, local_metadata_path
from pipeline.runners import local
from pipeline.store.runs.lock import pipeline_lock
from pipeline.store.runs.records import NodeExecution, Run, read_runs

D = TypeVar("D", bound=Document)

_WAITING, _ARRIVED = "waiting", "log"
"""Folders in the replay's folder for the windows that wait and that have arrived."""

HEADLINE_METRICS = ("hit_rate@10", "ndcg@10", "recall@100")


def replay_config(config: PipelineConfig, warm_start: bool) -> PipelineConfig:
    """Makes the config of a pipeline whose log arrives in windows, in a folder of its own beside the pipeline's.

    Args:
        config: The pipeline to replay.
        warm_start: Whether models may start from the last blessed one; if not, each is trained from the beginning.
    """
    trainer = config.trainer if warm_start else config.trainer.model_copy(update={"warm_start": False})
    folder = Path(config.output_dir, "replay" if warm_start else "replay-cold")
    arriving = folder / config.name / _ARRIVED / "round-*.parquet"
    return config.model_copy(
        update={"log": windows.windowed(config.log, str(arriving)), "trainer": trainer, "output_dir": str(folder)}
    )


def replay(config: PipelineConfig, rounds: int, *, warm_start: bool, console: Console) -> Iterator[Round]:
    """Cuts the log into windows, and runs the pipeline after each arrival. The files of an earlier replay are replaced.

    Args:
        config: The pipeline to replay; its own folder is not changed.
        rounds: The number of rounds.
        warm_start: See `replay_config`.
        console: Where to print progress.

    Yields:
        Each round when it ends, also a round that a component stopped; the next round follows anyway.

    Raises:
        ConfigError, DataError: The log cannot be cut; the files of an earlier replay stay.
        LockedError: The same replay is at work elsewhere.
        OutputError: The replay's folder cannot be written.
    """
    changed = replay_config(config, warm_start)
    home = local_home(changed)
    with pipeline_lock(_whole_replay(changed), console):
        with writing(home):
            waiting = _cut(config.log, rounds, home)
        done: list[Round] = []
        for number, window in enumerate(waiting, 1):
            with writing(home):
                move_file(window.file, home / _ARRIVED / window.file.name)
            events = window.events + (done[-1].events if done else 0)
            console.rule(f"round {number} of {rounds}: {events:,} events")
            done.append(_round(changed, number, events, window.newest, console))
            with writing(home):
                ReplayRounds(rounds=tuple(done)).write(home)
            yield done[-1]


@contextlib.contextmanager
def writing(home: Path) -> Iterator[None]:
    """Wraps a block that writes a replay's folder, and turns the system's errors into ours.

    Args:
        home: The folder.

    Raises:
        OutputError: The folder cannot be written.
    """
    try:
        yield
    except OSError as e:
        raise OutputError(
            f"{home}: cannot be written ({e.strerror or e}). Free disk space, make the folder writable, or name "
            "another folder in output_dir."
        ) from e


def _cut(log: Log, rounds: int, home: Path) -> list[Window]:
    """Cuts the log in a new folder, which then replaces the old one: if the log cannot be cut, the old one stays."""
    sweep(home)  # removes what killed replays left; the lock keeps out running ones
    with new_folder(home, commit_file=None) as fresh:
        found = windows.cut(log, rounds, Path(fresh, _WAITING))
        Path(fresh, _ARRIVED).mkdir()
    return [dataclasses.replace(window, file=home / _WAITING / window.file.name) for window in found]


def _round(config: PipelineConfig, number: int, events: int, newest: int, console: Console) -> Round:
    """Runs the pipeline on the windows that have arrived."""
    since, earlier = time.monotonic(), len(_runs(config))
    error = ""
    try:
        local.run(config)
    except PerennialError as e:
        error = f"{type(e).__name__}: {e}"
        console.print(error, highlight=False, markup=False)
    runs = _runs(config)[earlier:]  # empty if the run ended before its first component
    outcome = _outcome(runs[0] if runs else None, error)
    return Round(number=number, events=events, newest=newest, seconds=round(time.monotonic() - since, 1), **outcome)


def _whole_replay(config: PipelineConfig) -> PipelineConfig:
    """Makes the config whose lock is held during all rounds; each run takes the lock of `config` itself."""
    return config.model_copy(
        update={
            "output_dir": str(Path(config.output_dir, "replays")),
            "runs": config.runs.model_copy(update={"when_locked": "refuse"}),
        }
    )


def _runs(config: PipelineConfig) -> list[Run]:
    return read_runs(local_metadata_path(config), config.name)


def _outcome(run: Run | None, error: str) -> dict[str, Any]:
    nodes = {node.node_id: node for node in run.nodes} if run is not None else {}
    evaluation = _document(EvaluationReport, nodes, "RetrievalEvaluator", "evaluation")
    warm_start = _document(WarmStartReport, nodes, "Trainer", "model_run")
    training = _document(TrainingMetrics, nodes, "Trainer", "model_run")
    if warm_start is not None and not warm_start.is_trained:
        training = None  # the model is a copy of the last one, or that with today's items
    pushed = _properties(nodes, "Pusher", "pushed_model")
    failed = [rule.detail for rule in evaluation.decision.failed] if evaluation is not None else []
    if error:
        outcome, reason = STOPPED, error
    elif pushed.get("pushed"):
        outcome, reason = PUSHED, ""
    else:
        outcome, reason = REFUSED, "; ".join(failed)
    return {
        "outcome": outcome,
        "reason": reason,
        "version": pushed.get("pushed_version"),
        "warm": warm_start is not None and warm_start.is_warm,
        "metrics": {
            contender: {name: _value(measured.metrics.get(name)) for name in HEADLINE_METRICS}
            for contender, measured in (evaluation.contenders.items() if evaluation is not None else ())
        },
        "train_seconds": round(sum(epoch.train_seconds for epoch in training.epochs), 2) if training else None,
    }


def _value(found: Measurement | None) -> float | None:
    return found.value if found is not None else None


def _document(kind: type[D], nodes: dict[str, NodeExecution], node_id: str, key: str) -> D | None:
    artifacts = nodes[node_id].outputs.get(key, ()) if node_id in nodes else ()
    return kind.find(artifacts[0].uri) if artifacts else None


def _properties(nodes: dict[str, NodeExecution], node_id: str, key: str) -> dict[str, Any]:
    artifacts = nodes[node_id].outputs.get(key, ()) if node_id in nodes else ()
    return artifacts[0].properties if artifacts else {}
