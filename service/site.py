"""Everything that a running service consists of, opened and closed in order."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from configs import home
from configs.pipeline import PipelineConfig
from configs.service.auth import Auth
from service.api.metrics import Metrics
from service.auth.keys import keys_file
from service.auth.login import Login
from service.auth.rate_limit import RateLimit
from service.auth.tokens import Tokens
from service.auth.users import DatabaseUsers, FileUsers
from service.batching import Run
from service.database.errors import DatabaseError
from service.database.items import ItemStore
from service.database.opening import open_database
from service.database.secrets import secret
from service.database.threads import DatabaseThreads
from service.events.recommendation_id import RecommendationIds
from service.events.shown import ShownCounts
from service.events.store import EventStore
from service.events.vocabulary import Vocabulary, vocabulary
from service.events.writer import EventWriter
from service.queries.kept_items import KeptItems
from service.queries.recent import RecentEvents
from service.queries.recommender import Recommender
from service.queries.resolve import Weights
from service.versions.folder import ServingFolder
from service.versions.loader import Loader
from service.versions.manager import Versions

_logger = logging.getLogger("perennial.service")

_FLUSH_SECONDS = 5.0
"""Between two writes of what was shown. After a crash, the counts of these seconds are lost."""


_AGAIN_SECONDS = 1.0


class Site:
    """One running service. Made in the event loop that uses it.

    Attributes:
        config: The pipeline's.
        metrics: What `/metrics` shows.
        versions: What is in service.
        recommender: Answers queries.
        vocabulary: Which events the log can express.
        writer: Takes events.
        store: The events.
        database: The database.
        tokens: Checks tokens; None if everybody may call.
        login: Checks passwords; None without tokens.
        token_seconds: How long a token is valid.
        kept_items: Titles and features in the database; None: the version's own are shown.
        database_threads: Where reads of the database run.
    """

    def __init__(self, config: PipelineConfig) -> None:
        """Puts the parts together; nothing runs and nothing is read yet but the database's keys."""
        settings = config.service
        self.config = config
        self.metrics = Metrics()
        self.database = open_database(config)
        for doubt in self.database.doubts():
            _logger.warning("%s", doubt)
        ids = RecommendationIds(secret(self.database, "recommendation_id"))
        self.vocabulary: Vocabulary = vocabulary(config.log, settings.event_types)
        self.store = EventStore(self.database, ids)
        timeout = settings.database.timeout_seconds
        self.database_threads = DatabaseThreads(settings.database.pool_size, timeout)
        self.writer = EventWriter(self.store, timeout)
        auth = settings.auth if isinstance(settings.auth, Auth) else None
        self.tokens: Tokens | None = None
        self.login: Login | None = None
        self.token_seconds = 0
        if auth is not None:
            self.tokens, self.token_seconds = Tokens(auth, keys_file(Path(auth.keys_file)).get), auth.token_seconds
            users = DatabaseUsers(self.database) if auth.users_file is None else FileUsers(Path(auth.users_file))
            attempts = auth.login_attempts_per_minute
            self.login = Login(users, RateLimit(attempts / 60, attempts))
        self._ranking = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="ranking")
        cache = home.service_cache_dir(config)
        folder = ServingFolder(home.serving_dir(config), cache)
        self._loader = Loader(settings, folder, cache, threads=self._ranking, observe=self._observe_run)
        self.versions = Versions(
            folder,
            self._loader.load,
            poll_seconds=settings.poll_seconds,
            drain_seconds=settings.drain_seconds,
            canary=settings.canary,
            on_change=self._on_change,
        )
        self._shown = ShownCounts()
        recent = RecentEvents(
            self.store,
            self.database_threads,
            self.vocabulary,
            settings.batching,
            lambda: self.metrics.model_errors.labels("events").inc(),
        )
        self.kept_items: KeptItems | None = None
        if settings.database.items:
            self.kept_items = KeptItems(
                ItemStore(self.database),
                self.database_threads,
                lambda: self.metrics.model_errors.labels("items").inc(),
            )
        self.recommender = Recommender(
            self.versions,
            _weights(config),
            settings.limits,
            recent,
            self.kept_items,
            ids,
            self._shown,
            self._observe_answer,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False

    def start(self) -> None:
        """Starts to follow the serving folder.

        Raises:
            ForkError: A process cannot be started.
        """
        self._loader.start()
        for work in (self.versions.watch, self._flush):
            self._keep_up(work)

    async def close(self) -> None:
        """Ends everything; requests must have ended."""
        self._is_closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.versions.close()
        await self._loader.close()
        await self.writer.close()
        with contextlib.suppress(DatabaseError):
            await asyncio.to_thread(self._shown.flush, self.database)
        if self.login is not None:
            self.login.close()
        self.database_threads.close()
        self._ranking.shutdown(wait=False)
        self.database.close()

    def _keep_up(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Runs work that has no end; if a fault of ours ends it, that is logged, and it begins again."""

        def ended(task: "asyncio.Task[None]") -> None:
            self._tasks.discard(task)
            if not self._is_closing and not task.cancelled():
                _logger.error("%s has ended and begins again", work.__qualname__, exc_info=task.exception())
                asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._keep_up, work)

        task = asyncio.get_running_loop().create_task(work())
        self._tasks.add(task)
        task.add_done_callback(ended)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            with contextlib.suppress(DatabaseError):  # the counts are kept, and the reads say that it is down
                await self.database_threads.run(lambda: self._shown.flush(self.database))

    def _observe_run(self, run: Run) -> None:
        self.metrics.batch_rows.observe(run.jobs)
        for seconds in run.waited_seconds:
            self.metrics.queue_seconds.observe(seconds)

    def _observe_answer(self, version: int, basis: tuple[str, ...], asked: int, unknown: int) -> None:
        self.metrics.count_answer(version, "+".join(basis))
        self.metrics.asked_items.inc(asked)
        self.metrics.unknown_items.inc(unknown)

    def _on_change(self) -> None:
        for gauge in (self.metrics.version, self.metrics.recall, self.metrics.compared):
            gauge.clear()
        roles = {"live": self.versions.live, "canary": self.versions.canary, "previous": self.versions.previous}
        served = {role: found for role, found in roles.items() if found is not None}
        for role, found in served.items():
            self.metrics.version.labels(role, str(found.number)).set(1)
            self.metrics.compared.labels(str(found.number)).set(found.search.compared)
            for kind, share in (found.search.recall or {"all": 1.0}).items():
                self.metrics.recall.labels(str(found.number), kind).set(share)
        self.metrics.keep_answers({found.number for found in served.values()})
        self.metrics.refused.set(len(self.versions.refused))
        # What is being loaded is in no role yet. In a thread, as deleting a large snapshot takes a while.
        kept = {*(found.number for found in served.values()), self.versions.loading}
        asyncio.get_running_loop().run_in_executor(None, self._loader.sweep, kept)


def _weights(config: PipelineConfig) -> Weights:
    """What the lists of a query weigh: as the log's events do, if it has weights."""
    names, defaults, found = config.service.event_types, config.service.weights, config.log.event_weights or {}
    return Weights(
        browsed=found.get(names.view, defaults.view),
        basket=found.get(names.basket, defaults.basket),
        purchased=found.get(names.purchase, defaults.purchase),
    )
