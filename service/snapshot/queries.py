"""Finds real queries by which an index is measured: users of the version with their histories, and items."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.answers import array
from documents import service_data
from documents.serving_requests import ServingRequests
from service.backends.backend import Backend, Tensor
from service.backends.question import Question, inputs

_ASKED_AT_ONCE = 32
"""Users in one question to the model, as a service asks."""

_USERS_AT_ONCE = 8192
"""Users whose histories are in memory at once: with 50 interactions each some 10 MB."""


def find_users(version_folder: str | Path, most: int) -> list[Question]:
    """Some users: of the version's histories, evenly chosen; without histories, those of the stored requests.

    Args:
        version_folder: The version.
        most: Largest number of users.

    Raises:
        OutputError: A document of the version is damaged.
        OSError: A file cannot be read.
    """
    data = service_data.ServiceData.find(version_folder)
    if data is not None and data.histories is not None and data.histories.users:
        return _of_histories(Path(version_folder, service_data.HISTORIES_FILE), most)
    return _of_requests(version_folder, most)


async def ask_users(
    backend: Backend, users: Sequence[Question], item_ids: Sequence[str], timeout_seconds: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Asks the model for the users' vectors.

    Args:
        backend: The model.
        users: The users, with what their answers leave out as history.
        item_ids: The catalogue.
        timeout_seconds: Time for one question.

    Returns:
        float32 `[n, dim]`, without users of whom the model knows nothing; and int32 `[n, m]`, the places of their
        histories, which a ranking leaves out; -1 is nothing.

    Raises:
        BackendError: The model did not answer.
    """
    width = max([1, *(len(user.history) for user in users)])
    vectors: list[Tensor] = []
    for start in range(0, len(users), _ASKED_AT_ONCE):
        asked = inputs(users[start : start + _ASKED_AT_ONCE])
        answer = await backend.predict("embed_users", asked, timeout_seconds=timeout_seconds)
        vectors.append(answer["embedding"])
    if not vectors:
        return np.zeros((0, 0), np.float32), np.zeros((0, width), np.int32)
    catalogue, left_out = pa.array(item_ids, pa.string()), np.full((len(users), width), -1, np.int32)
    for row, user in enumerate(users):
        met = pa.array(user.history, pa.string())
        places = pc.fill_null(pc.index_in(met, value_set=catalogue), -1).to_numpy(zero_copy_only=False)
        left_out[row, : len(user.history)] = places
    found = np.concatenate(vectors)
    is_known = found.any(axis=1)
    return found[is_known], left_out[is_known]


def _of_histories(parquet: Path, most: int) -> list[Question]:
    """The file is read in parts: the histories of a million users are gigabytes as Python objects."""
    users = []
    with pq.ParquetFile(parquet) as file:
        rows = file.metadata.num_rows
        wanted = np.unique(np.linspace(0, rows - 1, min(most, rows)).astype(np.int64))
        begin = 0
        columns = [service_data.USER_ID, service_data.ITEM_ID, service_data.WEIGHT]
        for batch in file.iter_batches(_USERS_AT_ONCE, columns=columns):
            here = wanted[(wanted >= begin) & (wanted < begin + batch.num_rows)] - begin
            for row in pa.Table.from_batches([batch]).take(pa.array(here)).to_pylist():
                history, weights = row[service_data.ITEM_ID] or (), row[service_data.WEIGHT] or ()
                users.append(Question(row[service_data.USER_ID], tuple(history), tuple(weights)))
            begin += batch.num_rows
    return users


def _of_requests(version_folder: str | Path, most: int) -> list[Question]:
    users = []
    stored = ServingRequests.find(version_folder)
    for request in () if stored is None else stored.requests:
        if request.edge or request.signature not in ("recommend", "embed_users"):
            continue
        stored_inputs: dict[str, Any] = {
            name: array({**form.model_dump(), "shape": list(form.shape)}) for name, form in request.inputs.items()
        }
        for user_id, history, weights in zip(
            stored_inputs["user_id"], stored_inputs["history"], stored_inputs["history_weight"], strict=True
        ):
            kept = [position for position, item_id in enumerate(history) if item_id]
            items = tuple(history[position].decode() for position in kept)
            users.append(Question(user_id.decode(), items, tuple(float(weights[position]) for position in kept)))
    return users[:most]
