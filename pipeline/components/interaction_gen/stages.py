"""The Beam pipeline of InteractionGen: files → pieces → shards of users → cleaned, split and written Examples.

Its elements are Arrow tables of some hundred thousand rows, so that a few hundred elements hold 40 million events. What
a step must know about the whole log (faults, newest time, top items, the cut) is a side input.
"""

import json
import os
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from configs.ids import Ids
from configs.leave_out import LeaveOut
from configs.log import LogSettings
from documents.cleaning import EVAL, TRAIN
from pipeline.components.interaction_gen import (
    cleaning,
    encoding,
    interactions,
    newest,
    outcome,
    reading,
    report,
    shard_report,
    shards,
    splitting,
)
from pipeline.components.interaction_gen.interactions import Interactions
from pipeline.components.interaction_gen.report import LogReport
from pipeline.components.interaction_gen.shard_report import ShardReport
from pipeline.ground import arrow_bytes
from pipeline.ground.layout import HISTORIES_FILES, ITEM_TIMES_FILE, ITEMS_FILE, QUARANTINE_FILE
from pipeline.ground.output import new_file, write_bytes
from pipeline.ground.parquet import write_tables
from pipeline.ground.records import write_records
from pipeline.reading import report as tabular_report
from pipeline.reading import times
from pipeline.reading.event_files import read_forgotten
from pipeline.reading.files import InputFile
from pipeline.reading.pace import Pace
from pipeline.reading.pieces import Piece
from transforms import features

LOGGER = "perennial.interaction_gen"

_REPORT = "report"
_ROWS = "rows"


@dataclass(frozen=True)
class InteractionIngest:
    """What every stage needs to know."""

    log: LogSettings
    ids: Ids
    leave_out: LeaveOut
    shards: int
    now_seconds: float
    uri: str
    """The artifact's folder."""
    max_history: int
    """How many of each user's newest interactions are written for the service; 0 for none."""

    forgotten: tuple[str, ...] = ()
    """Paths of the files that tell who is forgotten."""

    @property
    def per_second(self) -> int:
        """The number of the log's time units in a second."""
        return times.per_second(self.log.timestamp_unit)


def build(pipeline: beam.Pipeline, inputs: list[InputFile], job: InteractionIngest) -> None:
    """Adds the stages to a Beam pipeline.

    Args:
        pipeline: The pipeline.
        inputs: The files that hold interactions.
        job: What every stage needs to know.
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
        | "MergeReports" >> beam.CombineGlobally(_MergeReading(job))
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
    found = beam.pvalue.AsSingleton(
        (cleaned[_REPORT], filtered[_REPORT], written)
        | "ShardReports" >> beam.Flatten()
        | "MergeShards" >> beam.CombineGlobally(shard_report.merge)
    )
    _ = pipeline | "Once" >> beam.Create([None]) | "Report" >> beam.Map(_leave_outcome, job, facts, found)


class _Plan(beam.DoFn):
    """Cuts files into pieces."""

    def __init__(self, job: InteractionIngest) -> None:
        self._job = job

    def process(self, file: InputFile) -> Iterator[Any]:
        pieces, found = reading.plan(file, self._job.log)
        yield from pieces
        yield beam.pvalue.TaggedOutput(_REPORT, found)


class _Read(beam.DoFn):
    """Reads pieces and divides their rows by shard, with the order of their block in the input."""

    def __init__(self, job: InteractionIngest) -> None:
        self._job = job

    def setup(self) -> None:
        """Starts the clock on the worker, and reads there who is forgotten: a list may be too long for a job."""
        self._pace = Pace(LOGGER, "read")
        self._forgotten = read_forgotten(self._job.forgotten)

    def process(self, piece: Piece) -> Iterator[Any]:
        for block, found in reading.read(piece, self._job.log, self._job.ids, self._job.now_seconds, self._forgotten):
            self._pace.add(found.reading.rows)
            yield beam.pvalue.TaggedOutput(_REPORT, found)
            if block is not None:
                for shard, data in interactions.partition(block.table, self._job.shards):
                    yield shard, (block.order, data)


class _Clean(beam.DoFn):
    """Assembles a shard's rows to interactions, and runs the steps that do not need the counts of all items."""

    def __init__(self, job: InteractionIngest) -> None:
        self._job = job

    def setup(self) -> None:
        """Starts the clock on the worker."""
        self._pace = Pace(LOGGER, "cleaned")

    def process(self, shard: tuple[int, Iterable[Any]], facts: LogReport) -> Iterator[Any]:
        log = self._job.log
        if report.fault(facts, log, self._job.now_seconds) is not None:
            # The executor raises the error after the Beam pipeline; until then, there is nothing more to do.
            return
        key, parts = shard
        found = interactions.assemble(parts)
        rows = len(found)
        found, cleaned = shards.clean(found, facts, log, self._job.leave_out)
        self._pace.add(rows)
        yield key, found.to_bytes()
        yield beam.pvalue.TaggedOutput(_REPORT, cleaned)
        if log.cleaning.top_items is not None:
            items = shards.count_items(found, log, self._job.leave_out)
            yield beam.pvalue.TaggedOutput("items", arrow_bytes.to_bytes(items))


class _Filter(beam.DoFn):
    """Keeps the interactions of the top items and of active users."""

    def __init__(self, job: InteractionIngest) -> None:
        self._job = job

    def process(self, shard: tuple[int, bytes], facts: LogReport, top: bytes | None) -> Iterator[Any]:
        key, data = shard
        log = self._job.log
        chosen = None if top is None else arrow_bytes.from_bytes(top).column(features.ITEM_ID).combine_chunks()
        found, kept = shards.keep(Interactions.from_bytes(data), chosen, log, self._job.leave_out)
        yield key, found.to_bytes()
        yield beam.pvalue.TaggedOutput(_REPORT, kept)
        if log.split.method == "time" and len(found):
            times = splitting.histogram(found, *facts.span())
            yield beam.pvalue.TaggedOutput("times", pickle.dumps(times))


class _Write(beam.DoFn):
    """Splits a shard's interactions, and writes one file of Examples for each split, and one of newest interactions."""

    def __init__(self, job: InteractionIngest) -> None:
        self._job = job

    def setup(self) -> None:
        """Starts the clock on the worker."""
        self._pace = Pace(LOGGER, "wrote")

    def process(self, shard: tuple[int, bytes], cut: int | None) -> Iterator[ShardReport]:
        key, data = shard
        job = self._job
        kept = Interactions.from_bytes(data)
        found, split = shards.split(kept, cut, job.log, job.leave_out)
        part = f"{key:05d}-of-{job.shards:05d}"
        for name in (TRAIN, EVAL):
            examples = encoding.encode(found, name, job.per_second)
            if examples:
                write_records(os.path.join(job.uri, f"Split-{name}", f"data_tfrecord-{part}.gz"), examples, job.uri)
        if len(kept):
            self._write_newest(kept, os.path.join(job.uri, HISTORIES_FILES.replace("*", part)))
            if kept.timestamp is not None:
                split.item_times = arrow_bytes.to_bytes(newest.item_times(kept, job.per_second))
        self._pace.add(len(found))
        yield split

    def _write_newest(self, kept: Interactions, path: str) -> None:
        job = self._job
        if not job.max_history:
            return
        weighted = job.log.event_weights is not None
        whole = newest.whole(kept, job.log.cleaning, job.leave_out)
        tables = newest.histories(whole, job.max_history, job.per_second, weighted)
        with new_file(path, job.uri) as unfinished:
            write_tables(unfinished, newest.history_schema(kept.timestamp is not None), tables)


class _MergeReading(beam.CombineFn):
    """Merges the reports on what was read."""

    def __init__(self, job: InteractionIngest) -> None:
        self._max, self._per_second = job.log.cleaning.max_quarantine_rows, job.per_second

    def create_accumulator(self) -> LogReport:
        return LogReport()

    def add_input(self, accumulator: LogReport, found: LogReport) -> LogReport:
        return report.merge([accumulator, found], self._max, self._per_second)

    def merge_accumulators(self, accumulators: Iterable[LogReport]) -> LogReport:
        return report.merge(accumulators, self._max, self._per_second)

    def extract_output(self, accumulator: LogReport) -> LogReport:
        return report.concluded(accumulator, self._max)


def _add_counts(tables: Iterable[bytes]) -> bytes:
    return arrow_bytes.to_bytes(cleaning.add_counts([arrow_bytes.from_bytes(t) for t in tables]))


def _top_items(counts: bytes, n: int) -> bytes:
    items = cleaning.choose_top_items(arrow_bytes.from_bytes(counts), n)
    return arrow_bytes.to_bytes(pa.table({features.ITEM_ID: items}))


def _add_times(parts: Iterable[bytes]) -> bytes:
    empty = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    return pickle.dumps(splitting.add_histograms([empty, *(pickle.loads(part) for part in parts)]))


def _cut(times: bytes, eval_fraction: float, facts: LogReport) -> int | None:
    counts: splitting.Histogram = pickle.loads(times)
    if not len(counts[0]):
        return None
    return splitting.choose_cut(counts, eval_fraction, *facts.span())


def _leave_outcome(_: None, job: InteractionIngest, facts: LogReport, found: ShardReport) -> None:
    """Writes what the executor needs into the artifact's folder: workers and executor may be different machines."""
    for file, table in ((ITEMS_FILE, found.items.get(TRAIN)), (ITEM_TIMES_FILE, found.item_times)):
        if table is not None:
            with new_file(os.path.join(job.uri, file), job.uri) as unfinished:
                pq.write_table(arrow_bytes.from_bytes(table), unfinished)
    quarantined = tabular_report.quarantine_json(facts.reading)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in quarantined)
    write_bytes(os.path.join(job.uri, QUARANTINE_FILE), lines.encode(), job.uri)
    outcome.conclude(facts, found, job.log, job.now_seconds).write(job.uri)
