"""Keeps the finished trials of a search, so that one that is interrupted goes on where it was.

Each trial has two files, of which the JSON is written last and makes the trial count. There is a file for each trial
and not one that grows, because an object store cannot append, and because a file appears whole or not at all.
"""

import io
import posixpath

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from pydantic import ValidationError

from common.atomicity import write_bytes, write_text
from documents.tuning import Trial


def discard(work_dir: str) -> None:
    """Removes the trials of all searches: the one that is done, and interrupted ones of older data.

    Args:
        work_dir: The folder of the journals, local or remote; its files stay.

    Raises:
        tf.errors.OpError: A folder cannot be removed.
    """
    for name in tf.io.gfile.listdir(work_dir):
        folder = posixpath.join(work_dir, name.rstrip("/"))
        if tf.io.gfile.isdir(folder):
            tf.io.gfile.rmtree(folder)


class Journal:
    """A folder of finished trials; without a folder, they are kept in memory alone.

    Attributes:
        trials: The finished trials, in order.
    """

    def __init__(self, folder: str | None) -> None:
        """Reads what an interrupted search has left.

        Args:
            folder: Local or remote; it may be missing. Another search has another folder.

        Raises:
            tf.errors.OpError: It cannot be read.
        """
        self._folder = folder
        self._by_user: dict[int, npt.NDArray[np.float64]] = {}
        self.trials: list[Trial] = []
        if folder is not None:
            self._read()

    def add(self, trial: Trial, by_user: npt.NDArray[np.float64] | None) -> None:
        """Writes a finished trial, except one that the time has ended: with more time, it is made again.

        Args:
            trial: The trial.
            by_user: `[users]`, its metric for each user; None unless it is complete.

        Raises:
            OSError: A file cannot be written.
            tf.errors.OpError: The same, for a remote folder.
        """
        self.trials.append(trial)
        if by_user is not None:
            self._by_user[trial.number] = by_user
        if self._folder is None or trial.state == "out of time":
            return
        if by_user is not None:
            content = io.BytesIO()
            np.save(content, by_user)
            write_bytes(self._path(trial.number, "npy"), content.getvalue())
        write_text(self._path(trial.number, "json"), trial.model_dump_json(indent=2) + "\n")

    def by_user(self, number: int) -> npt.NDArray[np.float64]:
        """`[users]`, the metric of a complete trial for each user."""
        return self._by_user[number]

    def _read(self) -> None:
        """Reads the trials up to the first one that is missing or damaged; that one and later ones are made again."""
        while tf.io.gfile.exists(self._path(len(self.trials) + 1, "json")):
            number = len(self.trials) + 1
            try:
                trial = Trial.model_validate_json(self._bytes(number, "json"))
                if trial.state == "complete":
                    self._by_user[number] = np.load(io.BytesIO(self._bytes(number, "npy")))
            except (ValidationError, ValueError, tf.errors.NotFoundError):
                return
            self.trials.append(trial)

    def _bytes(self, number: int, ending: str) -> bytes:
        with tf.io.gfile.GFile(self._path(number, ending), "rb") as file:
            return bytes(file.read())

    def _path(self, number: int, ending: str) -> str:
        assert self._folder is not None
        return posixpath.join(self._folder, f"trial-{number:04d}.{ending}")
