"""Measures a model after each epoch, tells the log and TensorBoard, and says when training ends."""

import logging
import posixpath
import time
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from documents.metrics import Epoch
from trainer.evaluate import Evaluator

_LOGGER = logging.getLogger("perennial.trainer")


class Epochs:
    """The epochs of one training.

    Attributes:
        done: What was measured, by epoch.
        best: The number of the best epoch from 1, by `Evaluator.choosing_metric`; 0 before the first.
    """

    def __init__(
        self, evaluator: Evaluator, folder: str, at_most: int, interactions: int, patience: int | None = None
    ) -> None:
        """Starts before the first epoch; its time counts from here.

        Args:
            evaluator: Measures the model.
            folder: Where TensorBoard's logs go.
            at_most: The largest number of epochs.
            interactions: Interactions in an epoch.
            patience: Training ends if this many epochs in a row are not better than the best; None: it goes on.
        """
        self._evaluator = evaluator
        self._at_most = at_most
        self._interactions = interactions
        self._patience = patience
        self._writers = {
            run: tf.summary.create_file_writer(posixpath.join(folder, run)) for run in ("train", "model", "popularity")
        }
        self.done: list[Epoch] = []
        self.best = 0
        self._since = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether training ends here."""
        is_stale = self._patience is not None and len(self.done) - self.best >= self._patience
        return len(self.done) >= self._at_most or is_stale

    @property
    def is_best(self) -> bool:
        """Whether the last epoch is the best one."""
        return self.best == len(self.done)

    def measure(self, loss: float, scores: Callable[[Any, Any, Any], tuple[Any, Any]]) -> None:
        """Measures the model at the end of an epoch.

        Args:
            loss: The epoch's mean loss.
            scores: As `ServedModel.scores`.
        """
        train_seconds = time.monotonic() - self._since
        metrics, popularity = self._evaluator.evaluate(scores), self._evaluator.popularity
        seconds = time.monotonic() - self._since
        number = len(self.done) + 1
        times = {"train_seconds": round(train_seconds, 3), "seconds": round(seconds, 3)}
        self.done.append(Epoch.model_validate({"epoch": number, "loss": loss, **times, **metrics}))
        metric = self._evaluator.choosing_metric
        if not self.best or metrics[metric] > self.done[self.best - 1].metrics[metric]:
            self.best = number
        recalls = (name for name in metrics if "recall" in name)
        _LOGGER.info(
            "epoch %d of %s%d: loss %.3f, %.1f s, %s interactions/s; %s",
            number,
            "" if self._patience is None else "at most ",
            self._at_most,
            loss,
            seconds,
            f"{self._interactions / max(train_seconds, 1e-3):,.0f}",
            ", ".join(f"{name} {metrics[name]:.3f} (popularity {popularity[name]:.3f})" for name in recalls),
        )
        self._write("train", number, {"loss": loss, "seconds": seconds})
        self._write("model", number, metrics)
        self._write("popularity", number, popularity)
        self._since = time.monotonic()

    def _write(self, run: str, epoch: int, scalars: Mapping[str, float]) -> None:
        with self._writers[run].as_default():
            for name, value in scalars.items():
                # A TensorBoard tag cannot contain @.
                tf.summary.scalar(name.replace("@", "_at_"), value, step=epoch)
        self._writers[run].flush()
