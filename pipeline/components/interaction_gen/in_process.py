"""Reads and cleans a log in this process, without Beam and without writing anything: what `perennial check` shows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from configs.ids import Ids
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
from pipeline.components.interaction_gen.shard_report import ShardReport
from pipeline.ground import arrow_bytes
from pipeline.reading import times
from pipeline.reading.files import InputFile
from pipeline.reading.pieces import Piece

_READERS = 2
"""Pieces that are read at the same time; Arrow's parser lets other threads work."""


def ingest(
    inputs: list[InputFile],
    log: LogSettings,
    ids: Ids,
    now_seconds: float,
    shard_count: int,
    show: Callable[[Any], None] = lambda _: None,
) -> tuple[CleaningReport, Any, LogReport]:
    """Does what InteractionGen does, up to the Examples.

    Args:
        inputs: The log's files.
        log: The log's config.
        ids: How ids are read.
        now_seconds: The time of the run.
        shard_count: The number of shards of users.
        show: Called with the first block's interactions, as a pyarrow.Table of `reading`'s columns.

    Returns:
        The report; pyarrow.Table of the training split's items, `item_id` string and `count` int64; and what was read.

    Raises:
        DataError: The log cannot be used.
    """
    facts, parts = _read(inputs, log, ids, now_seconds, shard_count, show)
    if report.fault(facts, log, now_seconds) is not None:
        nothing = outcome.conclude(facts, ShardReport({}, {}, {}), log, now_seconds)
        outcome.judge(nothing, log)  # raises the fault
    found, cleaned = zip(*(shards.clean(interactions.assemble(part), facts, log) for part in parts), strict=True)
    top = None
    if log.cleaning.top_items is not None:
        counted = cleaning.add_counts([cleaning.count_items(shard) for shard in found])
        top = cleaning.choose_top_items(counted, log.cleaning.top_items)
    found, kept = zip(*(shards.keep(shard, top, log) for shard in found), strict=True)
    cut = _cut(found, facts, log)
    split = [shards.split(shard, cut, log)[1] for shard in found]
    merged = shard_report.merge((*cleaned, *kept, *split))
    judged = outcome.judge(outcome.conclude(facts, merged, log, now_seconds), log)
    return judged, arrow_bytes.from_bytes(merged.items[TRAIN]), facts


def _read(
    inputs: list[InputFile],
    log: LogSettings,
    ids: Ids,
    now_seconds: float,
    shard_count: int,
    show: Callable[[Any], None],
) -> tuple[LogReport, list[list[tuple[tuple[int, int], bytes]]]]:
    planned = [reading.plan(file, log) for file in inputs]
    reports = [found for _, found in planned]
    parts: dict[int, list[tuple[tuple[int, int], bytes]]] = {}
    is_first = True

    def blocks(piece: Piece) -> list[tuple[Any, LogReport, list[tuple[int, bytes]]]]:
        return [
            (block, found, [] if block is None else list(interactions.partition(block.table, shard_count)))
            for block, found in reading.read(piece, log, ids, now_seconds)
        ]

    with ThreadPoolExecutor(_READERS) as readers:
        for read in readers.map(blocks, [piece for pieces, _ in planned for piece in pieces]):
            for block, found, divided in read:
                reports.append(found)
                if block is None:
                    continue
                if is_first and block.table.num_rows:
                    show(block.table)
                    is_first = False
                for shard, data in divided:
                    parts.setdefault(shard, []).append((block.order, data))
    merged = report.merge(reports, log.cleaning.max_quarantine_rows, times.per_second(log.timestamp_unit))
    return report.concluded(merged), [parts[shard] for shard in sorted(parts)]


def _cut(found: tuple[Interactions, ...], facts: LogReport, log: LogSettings) -> int | None:
    if log.split.method != "time":
        return None
    counts = splitting.add_histograms([splitting.histogram(shard, *facts.span()) for shard in found if len(shard)])
    return splitting.choose_cut(counts, log.split.eval_fraction, *facts.span()) if len(counts[0]) else None
