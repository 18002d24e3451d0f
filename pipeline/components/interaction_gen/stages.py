"""The Beam pipeline of InteractionGen: files → pieces → shards of users → cleaned, split and written Examples.

Its elements are Arrow tables of some hundred thousand rows, so that a few hundred stand for 40 million events. What a
step must know of the whole log (faults, newest time, top items, the cut) comes as a side input.
"""

import json
import os
import pickle
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from absl import logging

from configs.data import Log
from pipeline.components.interaction_gen import cleaning, encoding, interactions, reading, report, splitting
from pipeline.components.interaction_gen.interactions import Interactions
from pipeline.components.interaction_gen.report import UNITS, LogReport
from pipeline.components.tabular import files
from pipeline.components.tabular import report as tabular_report
from pipeline.components.tabular.files import InputFile
from pipeline.components.tabular.pieces import Piece
from pipeline.components.tabular.records import write_records

OUTCOME_FILE = "outcome.json"
ITEMS_FILE = "items.parquet"
QUARANTINE_FILE = "quarantine.jsonl"

_REPORT = "report"
_ROWS = "rows"


@dataclass(frozen=True)
class Job:
    """What every stage knows."""

    log: Log
    shards: int
    now_seconds: float
    uri: str
    """The artifact's folder."""


@dataclass
class ShardReport:
    """What became of the interactions of some shards."""

    steps: dict[str, tuple[int, int]]
    """Step to interactions before and after it."""

    splits: dict[str, dict[str, int]]
    """Split to its numbers of `users` and `interactions`."""

    items: dict[str, Any]
    """Split to a pyarrow.Table of its items and their interactions, as bytes of an Arrow stream."""


def build(pipeline: beam.Pipeline, inputs: list[InputFile], job: Job) -> None:
    """Puts the stages into a Beam pipeline.

    Args:
        pipeline: The pipeline.
        inputs: The log's files.
        job: What the stages know.
    """
    planned = (
        pipeline
        | "Files" >> beam.Create(inputs, reshuffle=False)
        | "Plan" >> beam.ParDo(_Plan(job)).with_outputs(_REPORT, main=_ROWS)
    )
    read = (
        planned[_ROWS]
        | "Spread" >> beam.Reshuffle()
        | "Read" >> beam.ParDo(_Read(job)).with_outputs(_REPORT, main=_ROWS)
    )
    facts = beam.pvalue.AsSingleton(
        (planned[_REPORT], read[_REPORT])
        | "Reports" >> beam.Flatten()
        | "MergeReports" >> beam.CombineGlobally(_MergeReading(job.log.cleaning.max_quarantine_rows))
    )
    shards = read[_ROWS] | "ByUser" >> beam.GroupByKey()
    cleaned = shards | "Clean" >> beam.ParDo(_Clean(job), facts).with_outputs(_REPORT, "items", main=_ROWS)
    top = None
    if job.log.cleaning.top_items is not None:
        top = beam.pvalue.AsSingleton(
            cleaned["items"]
            | "CountItems" >> beam.CombineGlobally(_add_counts)
            | "TopItems" >> beam.Map(_top_items, job.log.cleaning.top_items)
        )
    filtered = cleaned[_ROWS] | "Filter" >> beam.ParDo(_Filter(job), facts, top).with_outputs(
        _REPORT, "times", main=_ROWS
    )
    cut = None
    if job.log.split.method == "time":
        cut = beam.pvalue.AsSingleton(
            filtered["times"]
            | "AddTimes" >> beam.CombineGlobally(_add_times)
            | "Cut" >> beam.Map(_cut, job.log.split.eval_fraction, facts)
        )
    written = filtered[_ROWS] | "Write" >> beam.ParDo(_Write(job), cut)
    outcome = beam.pvalue.AsSingleton(
        (cleaned[_REPORT], filtered[_REPORT], written)
        | "ShardReports" >> beam.Flatten()
        | "MergeShards" >> beam.CombineGlobally(_merge_shards)
    )
    _ = pipeline | "Once" >> beam.Create([None]) | "Report" >> beam.Map(_write_outcome, job, facts, outcome)


class _Plan(beam.DoFn):
    """Files to pieces."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def process(self, file: InputFile) -> Iterator[Any]:
        pieces, found = reading.plan(file, self._job.log)
        yield from pieces
        yield beam.pvalue.TaggedOutput(_REPORT, found)


class _Read(beam.DoFn):
    """Pieces to rows by shard, each with the place of its block in the input."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def process(self, piece: Piece) -> Iterator[Any]:
        started = time.monotonic()
        rows = 0
        for block, found in reading.read(piece, self._job.log, self._job.now_seconds):
            rows += found.reading.rows
            yield beam.pvalue.TaggedOutput(_REPORT, found)
            if block is not None:
                for shard, data in interactions.partition(block.table, self._job.shards):
                    yield shard, (block.order, data)
        _log_progress("read", os.path.basename(piece.file.path), rows, time.monotonic() - started)


class _Clean(beam.DoFn):
    """Rows of a shard to interactions, up to the step that must know all items' counts."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def process(self, shard: tuple[int, Iterable[Any]], facts: LogReport) -> Iterator[Any]:
        log = self._job.log
        if report.fault(facts, log) is not None:
            # The run stops after the pipeline; until then nothing more is done.
            return
        key, parts = shard
        started = time.monotonic()
        found = interactions.assemble(parts)
        rows = len(found)
        steps: list[tuple[str, Callable[[Interactions], Interactions]]] = [
            ("window", lambda s: cleaning.window(s, log.cleaning, facts.newest, UNITS[log.timestamp_unit])),
            ("deduplicate", lambda s: cleaning.deduplicate(s, log.cleaning)),
            ("positives", lambda s: cleaning.positives(s, log.cleaning)),
        ]
        found, counts = _run(steps, found)
        _log_progress("cleaned", f"shard {key}", rows, time.monotonic() - started)
        yield key, found.to_bytes()
        yield beam.pvalue.TaggedOutput(_REPORT, ShardReport(counts, {}, {}))
        if log.cleaning.top_items is not None:
            yield beam.pvalue.TaggedOutput("items", _to_bytes(cleaning.count_items(found)))


class _Filter(beam.DoFn):
    """Interactions to those of the top items and of active users."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def process(self, shard: tuple[int, bytes], facts: LogReport, top: bytes | None) -> Iterator[Any]:
        key, data = shard
        log = self._job.log
        chosen = None if top is None else _from_bytes(top).column("item_id").combine_chunks()
        steps: list[tuple[str, Callable[[Interactions], Interactions]]] = [
            ("top_items", lambda s: cleaning.top_items(s, chosen)),
            ("active_users", lambda s: cleaning.active_users(s, log.cleaning)),
        ]
        found, counts = _run(steps, Interactions.from_bytes(data))
        yield key, found.to_bytes()
        yield beam.pvalue.TaggedOutput(_REPORT, ShardReport(counts, {}, {}))
        if log.split.method == "time" and len(found):
            times = splitting.histogram(found, *facts.span())
            yield beam.pvalue.TaggedOutput("times", pickle.dumps(times))


class _Write(beam.DoFn):
    """Interactions to one file of Examples a split."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def process(self, shard: tuple[int, bytes], cut: int | None) -> Iterator[ShardReport]:
        key, data = shard
        job = self._job
        started = time.monotonic()
        found = splitting.hold_out(Interactions.from_bytes(data), job.log.split, cut)
        splits, items = {}, {}
        for split in (encoding.TRAIN, encoding.EVAL):
            of_split = found.where(found.held_out == (split == encoding.EVAL))
            examples = encoding.encode(found, split, UNITS[job.log.timestamp_unit])
            splits[split] = {"users": len(examples), "interactions": len(of_split)}
            items[split] = _to_bytes(cleaning.count_items(of_split))
            if examples:
                name = f"data_tfrecord-{key:05d}-of-{job.shards:05d}.gz"
                path = os.path.join(job.uri, f"Split-{split}", name)
                write_records(path, examples, job.uri)
        _log_progress("written", f"shard {key}", len(found), time.monotonic() - started)
        yield ShardReport({}, splits, items)


class _MergeReading(beam.CombineFn):
    """Merges reports of reading."""

    def __init__(self, max_quarantine_rows: int) -> None:
        self._max = max_quarantine_rows

    def create_accumulator(self) -> LogReport:
        return LogReport()

    def add_input(self, accumulator: LogReport, found: LogReport) -> LogReport:
        return report.merge([accumulator, found], self._max)

    def merge_accumulators(self, accumulators: Iterable[LogReport]) -> LogReport:
        return report.merge(accumulators, self._max)

    def extract_output(self, accumulator: LogReport) -> LogReport:
        return accumulator


def _run(
    steps: list[tuple[str, Callable[[Interactions], Interactions]]], found: Interactions
) -> tuple[Interactions, dict[str, tuple[int, int]]]:
    counts = {}
    for name, step in steps:
        before = len(found)
        found = step(found)
        counts[name] = (before, len(found))
    return found, counts


def _merge_shards(reports: Iterable[ShardReport]) -> ShardReport:
    merged = ShardReport({}, {}, {})
    tables: dict[str, list[Any]] = {}
    for part in reports:
        for step, (before, after) in part.steps.items():
            so_far = merged.steps.get(step, (0, 0))
            merged.steps[step] = (so_far[0] + before, so_far[1] + after)
        for split, numbers in part.splits.items():
            ours = merged.splits.setdefault(split, dict.fromkeys(numbers, 0))
            for name, number in numbers.items():
                ours[name] += number
        for split, items in part.items.items():
            tables.setdefault(split, []).append(_from_bytes(items))
    merged.items = {split: _to_bytes(cleaning.add_counts(parts)) for split, parts in tables.items()}
    return merged


def _add_counts(tables: Iterable[bytes]) -> bytes:
    return _to_bytes(cleaning.add_counts([_from_bytes(t) for t in tables]))


def _top_items(counts: bytes, n: int) -> bytes:
    return _to_bytes(pa.table({"item_id": cleaning.choose_top_items(_from_bytes(counts), n)}))


def _add_times(parts: Iterable[bytes]) -> bytes:
    empty = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    return pickle.dumps(splitting.add_histograms([empty, *(pickle.loads(part) for part in parts)]))


def _cut(times: bytes, eval_fraction: float, facts: LogReport) -> int | None:
    counts: splitting.Histogram = pickle.loads(times)
    if not len(counts[0]):
        return None
    return splitting.choose_cut(counts, eval_fraction, *facts.span())


def _write_outcome(_: None, job: Job, facts: LogReport, outcome: ShardReport) -> None:
    """Leaves what the executor needs in the artifact's folder: workers and executor may be different machines."""
    values = {
        "fault": report.fault(facts, job.log),
        "reading": report.to_json(facts, job.log),
        "steps": outcome.steps,
        "splits": {
            split: {**numbers, "items": _from_bytes(outcome.items[split]).num_rows}
            for split, numbers in outcome.splits.items()
        },
    }
    if encoding.TRAIN in outcome.items:
        table = _from_bytes(outcome.items[encoding.TRAIN])
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        files.write_bytes(os.path.join(job.uri, ITEMS_FILE), sink.getvalue().to_pybytes(), job.uri)
    quarantined = tabular_report.quarantine_json(facts.reading)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in quarantined)
    files.write_bytes(os.path.join(job.uri, QUARANTINE_FILE), lines.encode(), job.uri)
    files.write_bytes(os.path.join(job.uri, OUTCOME_FILE), json.dumps(values).encode(), job.uri)


def _to_bytes(table: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _from_bytes(data: bytes) -> Any:
    return pa.ipc.open_stream(data).read_all()


def _log_progress(what: str, which: str, rows: int, seconds: float) -> None:
    speed = rows / max(seconds, 1e-6)
    logging.info("InteractionGen: %s %s: %d rows, %.1f s, %.0f rows/s", what, which, rows, seconds, speed)
