"""Reads and cleans a log in this process, without Beam and without writing anything: what `perennial check` shows."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from configs.ids import Ids
from configs.leave_out import LeaveOut
from configs.log import LogSettings
from documents.cleaning import TRAIN, CleaningReport
from pipeline.components.interaction_gen import (
    cleaning,
    interactions,
    outcome,
    reading,
    report,
    shard_report,
    shards,
    splitting,
)
from pipeline.components.interaction_gen.interactions import Interactions
from pipeline.components.interaction_gen.report import LogReport
from pipeline.ground import arrow_bytes
from pipeline.reading import times
from pipeline.reading.event_files import LogInputs, read_forgotten, sort_inputs
from pipeline.reading.files import InputFile
from pipeline.reading.pieces import Piece
from transforms import features

_READERS = 2
"""Pieces that are read at the same time; Arrow's parser lets other threads work."""


@dataclass(frozen=True)
class Ingested:
    """What InteractionGen would learn of a log."""

    report: CleaningReport
    items: Any
    """pyarrow.Table of the training split's items: `item_id` string, and `count` int64, its interactions."""

    first: Any
    """pyarrow.Table of the first block's interactions, with the columns of `reading`."""

    sizes: dict[str, tuple[int, int]]
    """Step to the number of users and of items after it; `shards.ROWS` for the log as it was read."""


def ingest(inputs: list[InputFile], log: LogSettings, ids: Ids, leave_out: LeaveOut, now_seconds: float) -> Ingested:
    """Does what InteractionGen does, up to the Examples.

    Args:
        inputs: The log's files, and those of exported events.
        log: The log's config.
        ids: How ids are read.
        leave_out: What may not be recommended again.
        now_seconds: The time of the run.

    Raises:
        DataError: The log cannot be used.
    """
    found = sort_inputs(inputs)
    shard_count = log.num_shards or interactions.shards_of(found.rows)
    facts, first, parts = _read(found, log, ids, now_seconds, shard_count)
    if report.fault(facts, log, now_seconds) is not None:
        parts = []  # `judge` raises the fault
    sizes = _Sizes()
    cleaned = [shards.clean(interactions.assemble(part), facts, log, leave_out, sizes.add) for part in parts]
    top = None
    if log.cleaning.top_items is not None:
        counted = cleaning.add_counts([shards.count_items(shard, log, leave_out) for shard, _ in cleaned])
        top = cleaning.choose_top_items(counted, log.cleaning.top_items)
    kept = [shards.keep(shard, top, log, leave_out, sizes.add) for shard, _ in cleaned]
    cut = _cut([shard for shard, _ in kept], facts, log)
    split = [shards.split(shard, cut, log, leave_out) for shard, _ in kept]
    merged = shard_report.merge([part for step in (cleaned, kept, split) for _, part in step])
    judged = outcome.judge(outcome.conclude(facts, merged, log, now_seconds), log, found.events_export)
    return Ingested(judged, arrow_bytes.from_bytes(merged.items[TRAIN]), first, sizes.counted())


class _Sizes:
    """Counts users and items over all shards; a user is in one shard alone."""

    def __init__(self) -> None:
        self._users: Counter[str] = Counter()
        self._items: dict[str, list[Any]] = {}

    def add(self, step: str, found: Interactions) -> None:
        self._users[step] += found.user_count()
        self._items.setdefault(step, []).append(cleaning.count_items(found).column(features.ITEM_ID))

    def counted(self) -> dict[str, tuple[int, int]]:
        return {step: (self._users[step], len(_all(items).unique())) for step, items in self._items.items()}


def _all(columns: list[Any]) -> Any:
    return pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string())


def _read(
    inputs: LogInputs, log: LogSettings, ids: Ids, now_seconds: float, shard_count: int
) -> tuple[LogReport, Any, list[list[tuple[tuple[int, int], bytes]]]]:
    planned = [reading.plan(file, log) for file in inputs.rows]
    forgotten = read_forgotten(inputs.forgotten)
    reports = [found for _, found in planned]
    parts: dict[int, list[tuple[tuple[int, int], bytes]]] = {}
    first: Any = None

    def blocks(piece: Piece) -> list[tuple[Any, LogReport, list[tuple[int, bytes]]]]:
        return [
            (block, found, [] if block is None else list(interactions.partition(block.table, shard_count)))
            for block, found in reading.read(piece, log, ids, now_seconds, forgotten)
        ]

    with ThreadPoolExecutor(_READERS) as readers:
        for read in readers.map(blocks, [piece for pieces, _ in planned for piece in pieces]):
            for block, found, divided in read:
                reports.append(found)
                if block is None:
                    continue
                if first is None and block.table.num_rows:
                    first = block.table
                for shard, data in divided:
                    parts.setdefault(shard, []).append((block.order, data))
    merged = report.merge(reports, log.cleaning.max_quarantine_rows, times.per_second(log.timestamp_unit))
    return report.concluded(merged, log.cleaning.max_quarantine_rows), first, [parts[shard] for shard in sorted(parts)]


def _cut(found: list[Interactions], facts: LogReport, log: LogSettings) -> int | None:
    if log.split.method != "time":
        return None
    counts = splitting.add_histograms([splitting.histogram(shard, *facts.span()) for shard in found if len(shard)])
    return splitting.choose_cut(counts, log.split.eval_fraction, *facts.span()) if len(counts[0]) else None
