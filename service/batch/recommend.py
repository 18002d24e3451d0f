"""Recommends to many users at once, by the same steps as `/v1/recommendations?user=`: history, model, ranking.

What users did since the version was made is not looked up: a batch is as of the version.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from configs.pipeline import PipelineConfig
from service.batch.outputs import TableFile
from service.batch.parts import Made, held
from service.batch.rows import ITEM_ID, USER_ID, Rows
from service.batch.users import PART_USERS, Users
from service.batch.version import OpenVersion, newest, opened
from service.queries.query import Taste
from service.queries.resolve import Weights, subject
from service.ranking.query import Query
from service.ranking.ranker import Ranking

_GROUP_USERS = 256
"""Users whose histories are read together, while the model answers and ranks for others."""

_GROUPS_AT_ONCE = 3
"""One that is prepared, one at the model, one that is ranked."""

_NO_LISTS = Weights(browsed=1, basket=1, purchased=1)
"""What the lists of a query weigh; a batch has none."""

Report = Callable[[int, int], None]
"""Is told of progress: how many are done, of how many."""


async def recommend(config: PipelineConfig, users: Users, k: int, output: TableFile, report: Report) -> int:
    """Writes the best items of each user.

    Args:
        config: The pipeline's.
        users: Whom to recommend to.
        k: Largest number of items for each.
        output: Where the rows belong.
        report: Is told after each part.

    Returns:
        The version that answered.

    Raises:
        PerennialError: No version has been pushed, it cannot be opened, or the output cannot be written.
    """
    with held(output.parts_folder) as parts, ThreadPoolExecutor(1) as threads:
        chosen = newest(config, parts.folder / "copies")
        parts.begin(Made(what="recommendations", version=chosen.number, source=chosen.source, k=k, users=users.digest))
        async with opened(
            chosen,
            parts.snapshot,
            load_seconds=config.service.load_seconds,
            max_waiting=PART_USERS,
            threads=threads,
        ) as version:
            total, done, count = users.count(version.snapshot), 0, 0
            rows = Rows(version.number, version.snapshot, USER_ID, ITEM_ID)
            report(done, total)
            for user_ids in users.parts(version.snapshot):
                if not parts.has(count):
                    parts.write(count, rows.table(user_ids, await rankings(version, user_ids, k)))
                count, done = count + 1, done + len(user_ids)
                report(done, total)
        await asyncio.to_thread(output.write, rows.schema, parts.read(count))
        return version.number


async def rankings(version: OpenVersion, user_ids: Sequence[str], k: int) -> list[Ranking]:
    """The best items of each user; one of whom nothing is known gets what is popular.

    Args:
        version: Answers.
        user_ids: The users.
        k: Largest number of items.

    Raises:
        BackendError: The model does not answer.
    """
    turn = asyncio.Semaphore(_GROUPS_AT_ONCE)

    async def group(part: Sequence[str]) -> list[Ranking]:
        async with turn:
            asked = []
            for user_id in part:
                # Not validated: the ids are those of the log, or were checked when the file was read.
                known = version.snapshot.history_of(user_id)
                whom = subject(Taste.model_construct(user=user_id), version.snapshot, _NO_LISTS, known)
                plan = version.ranker.plan(Query(k=k, left_out=whom.left_out))
                asked.append(version.asker.rank(whom.question, plan))
            return [answer.ranking for answer in await asyncio.gather(*asked)]

    starts = range(0, len(user_ids), _GROUP_USERS)
    groups = await asyncio.gather(*(group(user_ids[start : start + _GROUP_USERS]) for start in starts))
    return [ranking for found in groups for ranking in found]
