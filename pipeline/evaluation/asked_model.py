"""An exported model that is loaded in this process and asked through its signatures, as a server's clients ask it.

`faults` describes the errors that it raises.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from common.errors import ModelError
from configs.leave_out import LeaveOut
from pipeline.evaluation.faults import reading, summary
from pipeline.evaluation.splits import Queries
from serving_signatures.ranking import best_places
from trainer.chunks import padded_chunks
from trainer.targets import ID, places_of

_VALUES_A_BATCH = 1 << 24
"""Scores and padded histories of a batch: 64 MiB of float32. The model holds a few arrays of that size."""

_IDS_A_LOOK_UP = 1 << 20
"""Recommended ids that are held and then looked up at a time. Each is a Python object of some 50 bytes. With fewer ids,
building the lookup table of a large catalogue would take longer than the lookups."""

_ITEMS_A_PAGE = 1 << 16

_WANTED = {
    "recommend": {"item_id", "score"},
    "scores": {"score"},
    "catalogue": {"item_id", "title", "total"},
    "similar_items": {"item_id", "score"},
}
"""Signatures that are asked of every model, and the outputs of them that are used."""

_EMBEDDINGS = "embed_item_indices"
"""The signature that only a model with embeddings has."""


class AskedModel:
    """A SavedModel and its catalogue. The evaluator asks it in batches for users' lists and for items' neighbours.

    Attributes:
        item_id: pyarrow array `[items]`, in the order of the items' places in the model's catalogue.
        title: pyarrow string array `[items]`.
        items: Size of the catalogue.
    """

    def __init__(self, folder: str) -> None:
        """Loads the model and reads its catalogue.

        Args:
            folder: The SavedModel.

        Raises:
            ModelError: It is missing, or lacks a file or a signature, or its catalogue is empty or has an item twice.
            ModelUnavailableError: It cannot be loaded for any other reason.
        """
        self._folder = folder
        with reading(folder, "loaded"):
            if not tf.saved_model.contains_saved_model(folder):
                raise ModelError(f"there is no SavedModel at {folder}")
            # The model must be kept: its functions exist only as long as it does.
            self._model = tf.saved_model.load(folder)
            self._signatures = dict(self._model.signatures)
        missing = [
            f"{signature}.{output}"
            for signature, outputs in _WANTED.items()
            for output in sorted(outputs)
            if signature not in self._signatures or output not in self._signatures[signature].structured_outputs
        ]
        if missing:
            raise ModelError(
                f"the model has no output {', '.join(missing)}; export it with serving_signatures.export_model"
            )
        self.item_id, self.title = self._catalogue()
        self.items = len(self.item_id)
        if not self.items or len(pc.unique(self.item_id)) != self.items:
            raise ModelError(f"the model's catalogue of {self.items} items is empty or has an item twice")

    def _catalogue(self) -> tuple[Any, Any]:
        pages: list[dict[str, Any]] = []
        at, total = 0, 1
        while at < total:
            limit = tf.constant([_ITEMS_A_PAGE], tf.int64)
            page = self._ask("catalogue", offset=tf.constant([at], tf.int64), limit=limit)
            pages.append(page)
            if not len(page["item_id"]):
                break
            total = int(page["total"][0])
            at += len(page["item_id"])
        if at and at < total:
            raise ModelError(f"the model's catalogue says that it has {total} items, but it ends after {at}")
        ids = pa.array(np.concatenate([page["item_id"] for page in pages]), ID)
        titles = [title.decode(errors="replace") for page in pages for title in page["title"]]
        return ids, pa.array(titles, pa.string())

    def ids(self, place: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.object_]:
        """Returns the ids at places in the catalogue, as bytes."""
        return self.item_id.take(pa.array(place)).to_numpy(zero_copy_only=False)

    def places_in(self, other: "AskedModel") -> npt.NDArray[np.int64]:
        """Returns each item's place in another model's catalogue, `[items]`; -1 for an item that is not in it."""
        return places_of(self.item_id, other.item_id)

    def translated(self, place: npt.NDArray[np.int32], other: "AskedModel") -> npt.NDArray[np.int32]:
        """Translates places in this catalogue to places in another model's catalogue.

        Args:
            place: Places of any shape; -1 pads.
            other: The other model.

        Returns:
            The places. Each item that the other catalogue does not have gets its own place beyond that catalogue's end.
        """
        to = self.places_in(other)
        to = np.where(to >= 0, to, other.items + np.arange(self.items))
        return np.where(place >= 0, to[place], -1).astype(np.int32)

    def require_finite_embeddings(self) -> None:
        """Checks every item's embedding, if the model has embeddings.

        Raises:
            ModelError: An embedding is not finite. The recommendations need not show this, because the rank of
                not-a-number is undefined.
            ModelUnavailableError: As for `recommend`.
        """
        if _EMBEDDINGS not in self._signatures:
            return
        broken = 0
        for start in range(0, self.items, _ITEMS_A_PAGE):
            index = tf.range(start, min(start + _ITEMS_A_PAGE, self.items), dtype=tf.int64)
            embedding = self._ask(_EMBEDDINGS, index=index)["embedding"]
            broken += int(np.sum(~np.isfinite(embedding).all(axis=1)))
        if broken:
            raise ModelError(f"the embeddings of {broken} of {self.items} items are not finite")

    def recommend(self, queries: Queries, k: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Asks for the best items for users, without what the model leaves out.

        Args:
            queries: The users.
            k: Items for each user.

        Returns:
            Places int32 and scores float32, `[users, min(k, items)]`, best first; -1 and the lowest float32 if fewer
            items are left.

        Raises:
            ModelError: The signature takes other inputs, or a score is not a number, or an item is not in the catalogue
                or is in a list twice.
            ModelUnavailableError: The model cannot answer for any other reason.
        """
        users, k = queries.histories.users, min(k, self.items)
        place, score = np.full((users, k), -1, np.int32), np.empty((users, k), np.float32)
        step = max(1, _IDS_A_LOOK_UP // k)
        for start in range(0, users, step):
            group = slice(start, start + step)
            place[group], score[group] = self._recommend(queries, np.arange(users)[group], k)
        return place, score

    def _recommend(
        self, queries: Queries, users: npt.NDArray[np.int64], k: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        score, item_id = np.empty((len(users), k), np.float32), np.empty((len(users), k), object)
        for rows, who in self._batches(queries, users):
            exclude, wanted = tf.zeros([len(rows), 0], tf.string), tf.fill([len(rows)], k)
            answer = self._ask("recommend", **who, exclude=exclude, k=wanted)
            item_id[rows], score[rows] = self._answer("recommend", answer, len(rows), k)
        place = self._places(item_id)
        _check(place, score)
        return place, score

    def rank(
        self, queries: Queries, leave_out: LeaveOut, k: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Asks for the scores of all items for users, and ranks them as the model would, by another rule.

        Args:
            queries: The users.
            leave_out: What is left out; the model's own rule does not count.
            k: Items for each user.

        Returns:
            Places and scores, as for `recommend`.

        Raises:
            ModelError: As for `recommend`.
            ModelUnavailableError: As for `recommend`.
        """
        users, k = np.arange(queries.histories.users), min(k, self.items)
        left_out = queries.by_place(self.item_id).left_out(leave_out)
        place, score = np.empty((len(users), k), np.int32), np.empty((len(users), k), np.float32)
        for rows, who in self._batches(queries, users):
            scores = self._ask("scores", **who)["score"]
            if scores.shape != (len(rows), self.items):
                raise ModelError(
                    f"its signature scores was asked for the scores of {self.items} items for each of {len(rows)} "
                    f"rows, and answered with score of shape {scores.shape}"
                )
            row, item, _ = left_out.inside(rows)
            best, best_score = best_places(scores, tf.constant(row, tf.int64), tf.constant(item, tf.int64), k)
            place[rows], score[rows] = best.numpy(), best_score.numpy()
        _check(place, score)
        return place, score

    def _batches(
        self, queries: Queries, users: npt.NDArray[np.int64]
    ) -> Iterator[tuple[npt.NDArray[np.int64], dict[str, Any]]]:
        """Yields numbers of some of the users, and the inputs that say who they are."""
        histories, ids = queries.histories, queries.item_id.to_numpy(zero_copy_only=False)
        offset, length = histories.offset[users], histories.length[users]
        for rows in padded_chunks(self.items + length, _VALUES_A_BATCH):
            column = np.arange(length[rows[-1]])
            is_there = column < length[rows, np.newaxis]
            at = (offset[rows, np.newaxis] + column)[is_there]
            padded, weights = np.full(is_there.shape, b"", object), np.zeros(is_there.shape, np.float32)
            padded[is_there], weights[is_there] = ids[histories.item[at]], histories.weight[at]
            who = {
                "user_id": tf.constant(queries.user_id[users[rows]], tf.string),
                "history": tf.constant(padded, tf.string),
                "history_weight": tf.constant(weights),
            }
            yield rows, who

    def similar_items(
        self, item_id: npt.NDArray[np.object_], k: int
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Asks for the neighbours of items.

        Args:
            item_id: `[n]`, bytes.
            k: Neighbours for each item.

        Returns:
            Places int32 and scores float32, `[n, min(k, items)]`, as for `recommend`; only -1 for an item that the
            model does not know.

        Raises:
            ModelError: As for `recommend`.
            ModelUnavailableError: As for `recommend`.
        """
        k = min(k, self.items)
        step = max(1, _VALUES_A_BATCH // self.items)
        similar, score = np.full((len(item_id), k), b"", object), np.empty((len(item_id), k), np.float32)
        for start in range(0, len(item_id), step):
            asked = item_id[start : start + step]
            answer = self._ask("similar_items", item_id=tf.constant(asked, tf.string), k=tf.fill([len(asked)], k))
            similar[start : start + step], score[start : start + step] = self._answer(
                "similar_items", answer, len(asked), k
            )
        place = self._places(similar)
        _check(place, score)
        return place, score

    def _answer(self, signature: str, answer: dict[str, Any], rows: int, k: int) -> tuple[Any, Any]:
        """Returns the lists of an answer; refuses lists of another length than was asked for."""
        item_id, score = answer["item_id"], answer["score"]
        if not item_id.shape == score.shape == (rows, k):
            raise ModelError(
                f"its signature {signature} was asked for {k} items for each of {rows} rows, and answered with "
                f"item_id of shape {item_id.shape} and score of shape {score.shape}"
            )
        return item_id, score

    def _places(self, item_id: npt.NDArray[np.object_]) -> npt.NDArray[np.int32]:
        """Looks up the places of the answered ids; -1 for the "" that pads."""
        place = places_of(item_id.ravel(), self.item_id)
        unknown = int(np.sum((place < 0) & (item_id.ravel() != b"")))
        if unknown:
            raise ModelError(f"the model answers with {unknown} items that its catalogue does not have")
        return place.reshape(item_id.shape).astype(np.int32)

    def _ask(self, signature: str, **inputs: Any) -> dict[str, Any]:
        with reading(self._folder, f"asked for {signature}"):
            try:
                return {name: tensor.numpy() for name, tensor in self._signatures[signature](**inputs).items()}
            except (tf.errors.InvalidArgumentError, TypeError, ValueError) as e:
                raise ModelError(f"its signature {signature} takes other inputs: {summary(e)}") from e


def _check(place: npt.NDArray[np.int32], score: npt.NDArray[np.float32]) -> None:
    """Refuses answers that are not a valid ranking."""
    unsound = ~np.isfinite(score)
    if unsound.any():
        raise ModelError(f"the model's scores are not finite for {int(unsound.any(axis=1).sum())} of {len(score)} rows")
    in_order = np.sort(place, axis=1)
    if np.any((in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)):
        raise ModelError("the model answers with the same item twice")
