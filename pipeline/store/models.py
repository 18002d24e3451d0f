"""Asks a SavedModel on this machine by item title or id, for `perennial recommend` and `perennial similar`."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from common.errors import ModelError
from pipeline.store.versions.folder import versions

_PAGE_ITEMS = 100_000

_OUTPUTS = {
    "catalogue": {"item_id", "title", "total"},
    "recommend": {"item_id", "score", "known_user"},
    "similar_items": {"item_id", "score"},
}
"""The outputs of each signature that are read."""

_DAMAGED = (tf.errors.OpError, OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError)
"""Errors that TensorFlow raises while it loads a damaged SavedModel or asks it."""


class Answer(NamedTuple):
    """One item of an answer, best first."""

    item_id: str
    title: str
    score: float


def newest_version(serving_dir: str) -> str:
    """Returns the folder of the live version.

    Args:
        serving_dir: Where models are pushed, local or remote.

    Raises:
        ModelError: No model has been pushed.
    """
    kept = versions(serving_dir)
    if not kept:
        raise ModelError(f"no model has been pushed to {serving_dir}: run the pipeline first (perennial run).")
    return kept[-1].path


class LocalModel:
    """A SavedModel that answers through its signatures, with plain TensorFlow."""

    def __init__(self, path: str) -> None:
        """Loads the model at `path`.

        Raises:
            ModelError: The model is missing, damaged or incomplete.
        """
        self.path = path
        try:
            self._signatures = tf.saved_model.load(path).signatures
        except _DAMAGED as e:
            raise ModelError(
                f"the model at {path} cannot be loaded ({_summary(e)}). Files of it are damaged or missing. Run the "
                "pipeline again (perennial run), or ask another run's model with --run."
            ) from e

    def recommend(self, user: str | None, history: Sequence[str], k: int) -> list[Answer]:
        """Recommends items.

        Args:
            user: The user's id; None for a new user.
            history: Ids or titles of items that the user liked.
            k: The number of items.

        Returns:
            At most `k` answers, best first.

        Raises:
            ModelError: An item is unknown or its title is not unique, the user is unknown and has no history, or the
                model cannot answer.
        """
        liked = [self.find(item) for item in history]
        answer = self._ask(
            "recommend",
            user_id=tf.constant([user or ""]),
            history=tf.constant([liked], tf.string, shape=[1, len(liked)]),
            history_weight=tf.ones([1, len(liked)]),
            exclude=tf.zeros([1, 0], tf.string),
            k=tf.constant([k]),
        )
        if user is not None and not answer["known_user"][0] and not liked:
            raise ModelError(f"user {user!r} is not in the model at {self.path}; give a --history of liked items.")
        return self._answers(answer)

    def similar(self, item: str, k: int) -> list[Answer]:
        """Finds an item's neighbours by cosine.

        Args:
            item: Id or title.
            k: The number of items.

        Raises:
            ModelError: The item is unknown or its title is not unique, or the model cannot answer.
        """
        return self._answers(self._ask("similar_items", item_id=tf.constant([self.find(item)]), k=tf.constant([k])))

    def find(self, item: str) -> str:
        """Returns the id of an item that is given by id, by title, or by a part of exactly one title.

        Raises:
            ModelError: No item fits, or several do; the message lists them.
        """
        if item in self.titles:
            return item
        wanted = item.casefold()
        fitting = [id_ for id_, title in self.titles.items() if title.casefold() == wanted]
        fitting = fitting or [id_ for id_, title in self.titles.items() if wanted in title.casefold()]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            raise ModelError(f"no item of the model at {self.path} has the id or title {item!r}.")
        some = ", ".join(f"{id_} ({self.titles[id_]})" for id_ in fitting[:8])
        more = f" and {len(fitting) - 8} more" if len(fitting) > 8 else ""
        raise ModelError(f"{item!r} fits several items: {some}{more}. Give an id or a longer part of the title.")

    @cached_property
    def titles(self) -> dict[str, str]:
        """Every item's title by id, in catalogue order."""
        titles: dict[str, str] = {}
        read = 0  # not the number of titles: a damaged catalogue may have an item twice
        while True:
            limit = tf.constant([_PAGE_ITEMS], tf.int64)
            page = self._ask("catalogue", offset=tf.constant([read], tf.int64), limit=limit)
            titles.update(zip(_text(page["item_id"]), _text(page["title"]), strict=True))
            read += len(page["item_id"])
            if len(page["item_id"]) == 0 or read >= int(page["total"][0]):
                return titles

    def _ask(self, signature: str, **inputs: Any) -> dict[str, np.ndarray[Any, Any]]:
        found = self._signatures[signature].structured_outputs if signature in self._signatures else {}
        if missing := sorted(_OUTPUTS[signature] - {*found}):
            raise ModelError(
                f"the model at {self.path} has no output {', '.join(missing)} of the signature {signature}. Run the "
                "pipeline again (perennial run)."
            )
        try:
            return {name: value.numpy() for name, value in self._signatures[signature](**inputs).items()}
        except _DAMAGED as e:
            raise ModelError(
                f"the model at {self.path} cannot answer {signature} ({_summary(e)}). Run the pipeline again "
                "(perennial run), or ask another run's model with --run."
            ) from e

    def _answers(self, answer: dict[str, np.ndarray[Any, Any]]) -> list[Answer]:
        pairs = zip(_text(answer["item_id"][0]), answer["score"][0], strict=True)
        return [Answer(item, self.titles.get(item, ""), float(score)) for item, score in pairs if item]


def _summary(error: Exception) -> str:
    """The error's type and its message in one line; TensorFlow puts the cause at the end of a long one."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[-300:]}"


def _text(values: np.ndarray[Any, Any]) -> list[str]:
    return [value.decode("utf-8", errors="replace") for value in values]
