"""Recommends to many users at once, by the same steps as `/v1/recommendations?user=`: history, model, ranking.

What users did since the version was made is not looked up: a batch is as of the version. Who is forgotten is looked up:
they are left out, also those who are forgotten while the batch runs.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from configs.home import database_file
from configs.pipeline import PipelineConfig
from service.batch.outputs import TableFile
from service.batch.parts import Made, held
from service.batch.rows import ITEM_ID, USER_ID, Rows
from service.batch.users import PART_USERS, Users
from service.batch.version import OpenVersion, newest, opened
from service.database.database import LONG_SECONDS
from service.database.opening import open_database
from service.events.forgotten import Forgotten
from service.events.forgotten_copy import forgotten_users
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
        PerennialError: No version has been pushed, it cannot be opened or does not answer as it was trained, the
            database does not say who is forgotten, or the output cannot be written.
    """
    forgotten = await asyncio.to_thread(_forgotten, config)
    with held(output.parts_folder) as parts, ThreadPoolExecutor(1) as threads:
        chosen = newest(config, parts.folder / "copies")
        made = Made(
            what="recommendations",
            version=chosen.number,
            source=chosen.source,
            k=k,
            users=users.digest,
            forgotten=forgotten.digest,
        )
        parts.begin(made)
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
                    asked = _without(forgotten, pa.array(user_ids, pa.string())).to_pylist()
                    parts.write(count, rows.table(asked, await rankings(version, asked, k)))
                count, done = count + 1, done + len(user_ids)
                report(done, total)
        latest = await asyncio.to_thread(_forgotten, config)
        kept = (table.filter(pa.array(~latest.mask(table[USER_ID]))) for table in parts.read(count))
        await asyncio.to_thread(output.write, rows.schema, kept)
        return version.number


def _forgotten(config: PipelineConfig) -> Forgotten:
    """Asks the database. Where no service has ever run there is none, and nobody is forgotten."""
    if config.service.database.url is None and not database_file(config).exists():
        return Forgotten(b"", frozenset())
    with contextlib.closing(open_database(config, timeout_seconds=LONG_SECONDS)) as database:
        return forgotten_users(database)


def _without(forgotten: Forgotten, user_ids: pa.Array) -> pa.Array:
    return user_ids.filter(pa.array(~forgotten.mask(user_ids)))


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
