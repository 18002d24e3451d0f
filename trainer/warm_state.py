"""Writes and reads the state from which a later run starts: the trained tables with their string ids, in a folder.

`tables.npz` holds arrays only (no pickles). `state.json` says how to read it and holds its digest, so that a reader
recognises a folder that is half written, cut off or of another version.
"""

import dataclasses
import hashlib
import io
import os
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from common.atomicity import new_folder, write_bytes
from common.errors import WarmStartError
from documents.metrics import TrainingMetrics
from documents.warm_state import WarmStateDescription

FOLDER = "warm_start"
"""The folder in the model artifact, beside the SavedModel. It is not pushed to serving."""

TABLES_FILE = "tables.npz"


@dataclasses.dataclass(frozen=True)
class Carried:
    """How many rows of a table were carried over, are new, or were dropped.

    Attributes:
        carried: Rows with values of the base model.
        new: Rows whose ids the base model does not have.
        dropped: Rows of the base model whose ids do not exist any more.
    """

    carried: int
    new: int
    dropped: int


@dataclasses.dataclass(frozen=True)
class Table:
    """An embedding table.

    Attributes:
        ids: The id of each row, without repeats.
        values: float32 `[len(ids), dim]`.
    """

    ids: Sequence[bytes]
    values: npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class WarmState:
    """Everything that a model has learned.

    Attributes:
        architecture: How the tables and arrays work together. A model with another text is another model, to which
            they mean nothing.
        tables: The tables, by the names of their variables.
        arrays: float32 of any shape: what belongs to no id.
        metrics: The metrics of the training.
        model_digest: Digest of the exported SavedModel.
    """

    architecture: str
    tables: Mapping[str, Table]
    arrays: Mapping[str, npt.NDArray[np.float32]]
    metrics: TrainingMetrics
    model_digest: str


def write_state(state: WarmState, folder: str) -> None:
    """Writes the folder, whole or not at all, and replaces an older one.

    Args:
        state: The state to write.
        folder: The folder to write, local or remote.
    """
    arrays: dict[str, npt.NDArray[Any]] = {f"array_{n}": values for n, values in enumerate(state.arrays.values())}
    for number, table in enumerate(state.tables.values()):
        arrays[f"values_{number}"] = np.asarray(table.values, np.float32)
        # One string of bytes and where each id ends: NumPy's strings lose zeros at the end, and each of them takes as
        # many bytes as the longest.
        arrays[f"ids_{number}"] = np.frombuffer(b"".join(table.ids), np.uint8)
        arrays[f"ends_{number}"] = np.cumsum([len(row_id) for row_id in table.ids], dtype=np.int64)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    content = buffer.getvalue()
    described = WarmStateDescription(
        architecture=state.architecture,
        tables=tuple(state.tables),
        arrays=tuple(state.arrays),
        tables_sha256=hashlib.sha256(content).hexdigest(),
        metrics=state.metrics,
        model_digest=state.model_digest,
    )
    with new_folder(folder, commit_file=WarmStateDescription.FILE) as unfinished:
        write_bytes(os.path.join(unfinished, TABLES_FILE), content)
        described.write(unfinished)


def read_state(folder: str, architecture: str) -> WarmState:
    """Reads the folder, and refuses a state from which the current model cannot start.

    Args:
        folder: As written by `write_state`.
        architecture: Of the model that will start from it.

    Returns:
        The state, its numbers finite.

    Raises:
        WarmStartError: It is missing, damaged, of another version or architecture, or holds values that are not finite.
    """
    try:
        described = WarmStateDescription.find(folder, WarmStartError)
        if described is None:
            raise WarmStartError(f"the base model has no {FOLDER} folder that can be read")
        if described.architecture != architecture:
            raise WarmStartError(
                f"the base model's architecture is {described.architecture!r}, but this model's is {architecture!r}"
            )
        with tf.io.gfile.GFile(posixpath.join(folder, TABLES_FILE), "rb") as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != described.tables_sha256:
            raise WarmStartError(f"the base model's {TABLES_FILE} has changed since it was written: its digest differs")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            state = WarmState(
                architecture=described.architecture,
                tables={name: _table(arrays, number) for number, name in enumerate(described.tables)},
                arrays={name: arrays[f"array_{number}"] for number, name in enumerate(described.arrays)},
                metrics=described.metrics,
                model_digest=described.model_digest,
            )
    except (OSError, tf.errors.OpError) as e:
        raise WarmStartError(f"the base model has no {FOLDER} folder that can be read: {e}") from e
    except (KeyError, ValueError) as e:
        raise WarmStartError(f"the base model's {FOLDER} folder is damaged: {type(e).__name__}: {e}") from e
    for name, table in state.tables.items():
        if table.values.shape[:1] != (len(table.ids),):
            raise WarmStartError(
                f"the base model's {name} has the shape {table.values.shape}, but {len(table.ids)} ids"
            )
    for name, values in [*state.arrays.items(), *((name, table.values) for name, table in state.tables.items())]:
        if not np.isfinite(values).all():
            raise WarmStartError(f"the base model's {name} holds values that are not finite")
    return state


def _table(arrays: Any, number: int) -> Table:
    ends = arrays[f"ends_{number}"].tolist()
    joined = arrays[f"ids_{number}"].tobytes()
    return Table([joined[start:end] for start, end in zip([0, *ends], ends)], arrays[f"values_{number}"])  # noqa: B905


def rows_in(base: Table | None, ids: Sequence[bytes]) -> tuple[npt.NDArray[np.int64], Carried]:
    """Each id's row in a base model's table, -1 if it has none; and the counts of rows. None has no rows."""
    row_of = {row_id: row for row, row_id in enumerate(base.ids)} if base is not None else {}
    rows = np.array([row_of.get(row_id, -1) for row_id in ids], np.int64)
    carried = int(np.sum(rows >= 0))
    return rows, Carried(carried, len(ids) - carried, len(row_of) - carried)


def carried_rows(
    base: WarmState | None, name: str, ids: Sequence[bytes], dim: int
) -> tuple[npt.NDArray[np.float32] | None, Carried]:
    """A table's rows of a base model, in the order of other ids.

    Args:
        base: The base model's state; None for a cold start.
        name: The table.
        ids: The ids.
        dim: Columns of the table.

    Returns:
        float32 `[ids, dim]`, zero for an id that the base model lacks, or None without a base model; and the counts.
    """
    if base is None or name not in base.tables:
        return None, Carried(0, len(ids), 0)
    table = base.tables[name]
    rows, carried = rows_in(table, ids)
    found = np.zeros((len(ids), dim), np.float32)
    found[rows >= 0] = table.values[rows[rows >= 0]]
    return found, carried
