"""Finds the neighbours of all items at once, as `/v1/items/{item_id}/similar` finds those of one."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from common.errors import ModelError
from configs.pipeline import PipelineConfig
from service.batch.outputs import Output
from service.batch.parts import Made, held
from service.batch.rows import ITEM_ID, NEIGHBOUR_ID, Rows
from service.batch.version import newest, opened
from service.ranking.neighbours import similar
from service.ranking.query import Query

PART_ITEMS = 1_000
"""Items of a part: a second of work with 100,000 items."""


async def neighbours(config: PipelineConfig, k: int, output: Output, report: Callable[[int, int], None]) -> int:
    """Writes the nearest items of each item; an item of which the model knows nothing has none.

    Args:
        config: The pipeline's.
        k: Largest number of neighbours of each item.
        output: Where the rows belong.
        report: Is told after each part: how many items are done, of how many.

    Returns:
        The version that answered.

    Raises:
        PerennialError: No version has been pushed, it cannot be opened or has no neighbours, or the output cannot be
            written.
    """
    with held(output.parts_folder) as parts, ThreadPoolExecutor(1) as threads:
        chosen = newest(config, parts.folder / "copies")
        parts.begin(Made(what="neighbours", version=chosen.number, source=chosen.source, k=k))
        load_seconds = config.service.load_seconds
        async with opened(chosen, parts.snapshot, load_seconds=load_seconds, max_waiting=1, threads=threads) as version:
            snapshot = version.snapshot
            if snapshot.embedding is None and snapshot.neighbours is None:
                raise ModelError(
                    f"the model of version {version.number} has neither embeddings nor neighbours of its "
                    f"{snapshot.items:,} items. Push a model with embeddings."
                )
            rows = Rows(version.number, snapshot, ITEM_ID, NEIGHBOUR_ID)
            report(0, snapshot.items)
            starts = range(0, snapshot.items, PART_ITEMS)
            for number, start in enumerate(starts):
                places = range(start, min(start + PART_ITEMS, snapshot.items))
                if not parts.has(number):
                    rankings = await asyncio.to_thread(similar, version.ranker, places, Query(k=k))
                    parts.write(number, rows.table(snapshot.item_ids[places.start : places.stop], rankings))
                report(places.stop, snapshot.items)
        # The model has ended: what follows takes no processor from it, nor it from what follows.
        await asyncio.to_thread(output.write, rows.schema, parts.read(len(starts)))
        return version.number
