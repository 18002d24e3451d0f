"""The Beam pipeline: Examples to blocks of users, the cut, and each model's answers. Its results lie in files.

Elements are blocks of users, not users. A result file's name says which block it is of, so that a bundle that Beam runs
twice writes the same file twice.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt

from common.errors import ModelError
from pipeline.components.retrieval_evaluator import blocks, results
from pipeline.components.retrieval_evaluator.served_model import ServedModel
from pipeline.ground import arrow_bytes
from transforms import features
from transforms.hashing import ID_HASHES

Block = tuple[str, bytes]
"""A block's name and its Arrow bytes."""


@dataclass(frozen=True)
class Job:
    """What the pipeline does.

    Attributes:
        train_files: The train split's files.
        eval_files: The eval split's files.
        models: Contender to the folder of its SavedModel.
        k: Items that each model is asked for.
        max_users: Users to evaluate at most.
        weighted: Whether values weigh the history.
        folder: Where results go.
    """

    train_files: tuple[str, ...]
    eval_files: tuple[str, ...]
    models: Mapping[str, str]
    k: int
    max_users: int
    weighted: bool
    folder: str


def build(pipeline: Any, job: Job) -> None:
    """Adds the stages to a Beam pipeline.

    Args:
        pipeline: The pipeline.
        job: What to do.
    """
    train = pipeline | "Train" >> _Read(job.train_files)
    _ = train | "WriteTrain" >> beam.ParDo(_Write(os.path.join(job.folder, results.TRAIN)))

    asked = pipeline | "Eval" >> _Read(job.eval_files) | "WithTargets" >> beam.Map(_with_targets)
    cut = asked | "Hashes" >> beam.Map(_hashes) | "Cut" >> beam.CombineGlobally(Cut(job.max_users))
    _ = cut | "WriteCut" >> beam.Map(_write_cut, job.folder)
    # Blocks of one file are shared out anew, or one worker would score them all.
    chosen = asked | "Spread" >> beam.Reshuffle() | "Take" >> beam.Map(_take, beam.pvalue.AsSingleton(cut))
    _ = chosen | "WriteEval" >> beam.ParDo(_Write(os.path.join(job.folder, results.EVAL)))
    for name, model in job.models.items():
        _ = chosen | f"Score[{name}]" >> beam.ParDo(_Score(model, job, os.path.join(job.folder, name)))


class Cut(beam.CombineFn):
    """Counts users and finds the hash of the last one to evaluate."""

    def __init__(self, max_users: int) -> None:
        """Keeps `max_users`, those of the smallest hashes."""
        self._max_users = max_users

    def create_accumulator(self) -> tuple[int, npt.NDArray[np.int64]]:
        """No users, no hashes."""
        return 0, np.empty(0, np.int64)

    def add_input(
        self, accumulator: tuple[int, npt.NDArray[np.int64]], element: npt.NDArray[np.int64]
    ) -> tuple[int, npt.NDArray[np.int64]]:
        """Adds the hashes of a block."""
        return self.merge_accumulators([accumulator, (len(element), element)])

    def merge_accumulators(
        self, accumulators: Iterable[tuple[int, npt.NDArray[np.int64]]]
    ) -> tuple[int, npt.NDArray[np.int64]]:
        """Adds counts, keeps the smallest hashes."""
        counts, hashes = zip(*accumulators, strict=True)
        smallest = np.concatenate(hashes)
        if len(smallest) > self._max_users:
            smallest = np.partition(smallest, self._max_users - 1)[: self._max_users]
        return sum(counts), smallest

    def extract_output(self, accumulator: tuple[int, npt.NDArray[np.int64]]) -> tuple[int, int]:
        """The number of users and the largest hash that is kept."""
        count, smallest = accumulator
        return count, int(smallest.max()) if len(smallest) else ID_HASHES


def _Read(files: tuple[str, ...]) -> Any:
    """Numbered files to blocks."""
    return beam.Create(list(enumerate(files))) | beam.FlatMap(_read)


def _read(numbered: tuple[int, str]) -> Iterator[Block]:
    number, file = numbered
    for n, block in enumerate(blocks.read_blocks(file)):
        yield f"{number:05d}-{n:06d}", arrow_bytes.to_bytes(block)


def _with_targets(element: Block) -> Block:
    name, block = element
    return name, arrow_bytes.to_bytes(blocks.with_targets(arrow_bytes.from_bytes(block)))


def _hashes(element: Block) -> npt.NDArray[np.int64]:
    return blocks.hashes(arrow_bytes.from_bytes(element[1]))


def _take(element: Block, cut: tuple[int, int]) -> Block:
    name, block = element
    table = arrow_bytes.from_bytes(block)
    return name, arrow_bytes.to_bytes(table.filter(blocks.hashes(table) <= cut[1]))


def _write_cut(cut: tuple[int, int], folder: str) -> None:
    results.write_cut(folder, cut[0])


class _Write(beam.DoFn):
    """Leaves blocks in a folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def process(self, element: Block) -> None:
        name, block = element
        results.write_block(self._folder, name, blocks.without_ids(arrow_bytes.from_bytes(block)))


class _Score(beam.DoFn):
    """Asks a model for the best items of a block's users."""

    def __init__(self, model: str, job: Job, folder: str) -> None:
        self._model, self._job, self._folder = model, job, folder

    def setup(self) -> None:
        # A model that cannot be loaded is a result, not a failure: the gate refuses it.
        try:
            self._served: ServedModel | str = ServedModel(self._model)
        except ModelError as e:
            self._served = str(e)

    def process(self, element: Block) -> None:
        name, block = element
        table = arrow_bytes.from_bytes(block)
        try:
            if isinstance(self._served, str):
                raise ModelError(self._served)
            place, score = self._recommend(self._served, table)
        except ModelError as e:
            results.write_error(self._folder, name, str(e))
            return
        results.write_block(self._folder, name, results.answers(table, place, score))

    def _recommend(self, served: ServedModel, table: Any) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        history, offset = blocks.lists(table, features.ITEM_ID)
        value = blocks.lists(table, features.VALUE)[0].to_numpy()
        weight = value if self._job.weighted else np.ones(len(history), np.float32)
        user_id = table.column(features.USER_ID).to_numpy()
        return served.recommend(user_id, history.to_numpy(zero_copy_only=False), weight, offset, self._job.k)
