"""The files between the Beam pipeline and what puts its results together: written by workers, read in one place."""

import json
import os
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tfx.dsl.io import fileio

from common.errors import ModelError
from configs.evaluation import LIST_K
from pipeline.components.retrieval_evaluator import blocks
from pipeline.components.retrieval_evaluator.users import Users
from pipeline.ground import arrow_bytes
from pipeline.ground.output import write_bytes

TRAIN, EVAL = "train", "eval"
"""Folders of users; beside them, one of answers for each model."""

CUT_FILE = "cut.json"

_PLACE, _SCORE = "place", "score"
_ERROR_SUFFIX = ".error"


def write_block(folder: str, name: str, table: Any) -> None:
    """Writes a pyarrow.Table; the file appears whole or not at all."""
    write_bytes(os.path.join(folder, name), arrow_bytes.to_bytes(table), folder)


def write_error(folder: str, name: str, error: str) -> None:
    """Writes why a block could not be answered."""
    write_bytes(os.path.join(folder, f"{name}{_ERROR_SUFFIX}"), error.encode(), folder)


def write_cut(folder: str, users: int) -> None:
    """Writes how many users with a target there are."""
    write_bytes(os.path.join(folder, CUT_FILE), json.dumps(users).encode(), folder)


def read_cut(folder: str) -> int:
    """The number of users of `write_cut`."""
    return int(json.loads(_read(os.path.join(folder, CUT_FILE))))


def answers(block: Any, place: npt.NDArray[np.int32], score: npt.NDArray[np.float32]) -> Any:
    """A model's answers for a block, as a pyarrow.Table.

    Args:
        block: The users.
        place: `[users, k]`, places in the model's catalogue.
        score: `[users, k]`; those of the first 10 are kept.
    """
    columns = {_PLACE: place, _SCORE: np.ascontiguousarray(score[:, :LIST_K])}
    lists = {
        name: pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
        for name, values in columns.items()
    }
    return pa.table({blocks.HASH: blocks.hashes(block), **lists})


def read_users(folder: str, catalogue: Any, weighted: bool) -> Users:
    """Reads a split.

    Args:
        folder: Of its blocks.
        catalogue: pyarrow array `[items]`, the ids in the order of their places.
        weighted: Whether values weigh the interactions.

    Returns:
        The users in the order of their hashes.
    """
    tables = [_table(file) for file in _blocks(folder)]
    return Users.of_blocks([table for table in tables if table.num_rows], catalogue, weighted)


def read_answers(folder: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Reads a model's answers.

    Args:
        folder: Of its blocks, one at least.

    Returns:
        Places in the model's catalogue `[users, k]` and scores of the first 10, in the order of the users' hashes.

    Raises:
        ModelError: It could not answer for some of the users.
    """
    names = _blocks(folder)
    errors = [name for name in names if name.endswith(_ERROR_SUFFIX)]
    if errors:
        raise ModelError(_read(errors[0]).decode())
    tables = pa.concat_tables([_table(name) for name in names])
    order = np.argsort(blocks.hashes(tables), kind="stable")
    return _matrix(tables, _PLACE)[order], _matrix(tables, _SCORE)[order]


def _matrix(table: Any, name: str) -> npt.NDArray[Any]:
    lists = table.column(name).combine_chunks()
    lists = pa.concat_arrays(lists.chunks) if isinstance(lists, pa.ChunkedArray) else lists
    return lists.flatten().to_numpy().reshape(-1, lists.type.list_size)


def _blocks(folder: str) -> list[str]:
    """Files of blocks, without the folder of unfinished ones."""
    if not fileio.exists(folder):
        return []
    paths = sorted(os.path.join(folder, name.rstrip("/")) for name in fileio.listdir(folder))
    return [path for path in paths if not fileio.isdir(path)]


def _table(file: str) -> Any:
    return arrow_bytes.from_bytes(_read(file))


def _read(file: str) -> bytes:
    with fileio.open(file, "rb") as f:
        return bytes(f.read())
