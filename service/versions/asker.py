"""Asks a version's model for many queries at once, and ranks them at once."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from configs.service.section import Batching
from service.backends.backend import Backend, Tensor
from service.backends.question import Question, inputs
from service.batching import Batcher, Run
from service.ranking.plan import Plan
from service.ranking.ranker import Ranker, Ranking


@dataclass(frozen=True, eq=False)
class Resolved:
    """What a model with embeddings has said about a question before: it need not be asked again."""

    vector: npt.NDArray[np.float32]
    """float32 `[dim]`; zero if the model knows nothing of the question."""

    known_user: bool


@dataclass(frozen=True, eq=False)
class Answer:
    """What the model and the ranking say."""

    ranking: Ranking
    known_user: bool
    is_known: bool
    """Whether the model knows anything of the query; if not, popularity has decided."""

    resolved: Resolved | None
    """What the model has said; None for a model without embeddings."""


class Asker:
    """Asks one version. Used by one event loop."""

    def __init__(
        self,
        backend: Backend,
        ranker: Ranker,
        batching: Batching,
        *,
        deadline_seconds: float,
        threads: Executor,
        observe: Callable[[Run], None] = lambda _: None,
    ) -> None:
        """Prepares.

        Args:
            backend: The version's model.
            ranker: Ranks on the version's snapshot.
            batching: How requests share a call.
            deadline_seconds: Time for one call of the model.
            threads: Where the ranking runs: it must not hold up the event loop.
            observe: Is told of each call.
        """
        self._backend = backend
        self._ranker = ranker
        self._deadline_seconds = deadline_seconds
        self._threads = threads
        self._batcher: Batcher[tuple[Question | Resolved, Plan], Answer] = Batcher(
            self._run, max_rows=batching.max_rows, max_waiting=batching.max_waiting, observe=observe
        )

    async def rank(self, question: Question | Resolved, plan: Plan) -> Answer:
        """Asks, unless the question is resolved, and ranks; see `Batcher.submit` for the errors."""
        return await self._batcher.submit((question, plan))

    async def scores(self, questions: Sequence[Question]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Scores all items; the questions are one call of their own.

        Returns:
            float32 `[n, items]`, and bool `[n]`: whether the model knows anything of the question. If not, the row is
            the popularity.

        Raises:
            BackendError: The model does not answer.
        """
        vectors, scores, _ = await self._asked(questions)
        if vectors is None:
            return scores, self._knows(scores)
        loop = asyncio.get_running_loop()
        scores = await loop.run_in_executor(self._threads, self._ranker.scores, vectors)
        return scores, np.any(vectors, axis=1)

    async def close(self) -> None:
        """Waits for the queries that are on their way."""
        await self._batcher.close()

    async def _run(self, jobs: Sequence[tuple[Question | Resolved, Plan]]) -> list[Answer]:
        plans = [plan for _, plan in jobs]
        loop = asyncio.get_running_loop()
        if self._ranker.snapshot.embedding is None:
            _, scores, known = await self._asked([question for question, _ in jobs if isinstance(question, Question)])
            rankings = await loop.run_in_executor(self._threads, self._ranker.rank_scores, scores, plans)
            is_known = self._knows(scores)
            return [Answer(*found, None) for found in zip(rankings, known.tolist(), is_known.tolist(), strict=True)]
        resolved = await self._resolved([question for question, _ in jobs])
        vectors = np.stack([one.vector for one in resolved])
        rankings = await loop.run_in_executor(self._threads, self._ranker.rank, vectors, plans)
        return [
            Answer(ranking, one.known_user, bool(one.vector.any()), one)
            for ranking, one in zip(rankings, resolved, strict=True)
        ]

    async def _resolved(self, questions: Sequence[Question | Resolved]) -> list[Resolved]:
        """Asks the model about those that are not resolved."""
        open_ = [question for question in questions if isinstance(question, Question)]
        if not open_:
            return [question for question in questions if isinstance(question, Resolved)]
        vectors, _, known = await self._asked(open_)
        assert vectors is not None
        found = iter([Resolved(*one) for one in zip(vectors, known.tolist(), strict=True)])
        return [question if isinstance(question, Resolved) else next(found) for question in questions]

    def _knows(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Which rows are not simply the popularity, which the model gives if it knows nothing."""
        known: npt.NDArray[np.bool_] = (scores != self._ranker.snapshot.popularity).any(axis=1)
        return known

    async def _asked(self, questions: Sequence[Question]) -> tuple[Tensor | None, Tensor, Tensor]:
        """Returns query vectors or None, scores (empty beside vectors), and which users the model knows."""
        has_vectors = self._ranker.snapshot.embedding is not None
        answer = await self._backend.predict(
            "embed_users" if has_vectors else "scores", inputs(questions), timeout_seconds=self._deadline_seconds
        )
        if has_vectors:
            return answer["embedding"], np.zeros((0, 0), np.float32), answer["known_user"]
        return None, answer["score"], answer.get("known_user", np.zeros(len(questions), bool))
