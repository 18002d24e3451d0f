"""Runs the training loop, measures each epoch, and writes the metrics to TensorBoard."""

import logging
import os
import posixpath
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from documents.metrics import Epoch, HeldOutCounts, TrainingMetrics
from trainer.checks import check_loss
from trainer.evaluate import Evaluator
from trainer.models.two_tower.batches import Batches
from trainer.models.two_tower.two_tower import TwoTowerModel

LOGS_VARIABLE = "AIP_TENSORBOARD_LOG_DIR"
"""Vertex sets this variable in a CustomJob, to the folder from which managed TensorBoard reads:
https://cloud.google.com/vertex-ai/docs/training/code-requirements#environment-variables."""

_LOGGER = logging.getLogger("perennial.trainer")

Scores = Callable[[Any, Any, Any], tuple[Any, Any]]
"""See `ServedModel.scores`."""


def train(
    model: TwoTowerModel, batches: Batches, evaluator: Evaluator, scores: Callable[[], Scores], epochs: int, folder: str
) -> TrainingMetrics:
    """Trains a model, and measures it at the end of each epoch.

    Args:
        model: A fresh or warm model; trained in place.
        batches: The input pipeline.
        evaluator: The eval split.
        scores: Gives `ServedModel.scores` of the model as it is now.
        epochs: Passes over the interactions.
        folder: Where TensorBoard's logs go, unless LOGS_VARIABLE names another.

    Returns:
        What was measured.

    Raises:
        TrainingError: The loss is not finite.
    """
    popularity = evaluator.evaluate_popularity()
    logs = os.environ.get(LOGS_VARIABLE) or folder
    writers = {
        name: tf.summary.create_file_writer(posixpath.join(logs, name)) for name in ("train", "model", "popularity")
    }
    learning_rate = float(model.optimizer.learning_rate.numpy())
    done: list[Epoch] = []
    for epoch in range(1, epochs + 1):
        started = time.monotonic()
        inputs = _on_devices(model, batches, epoch)
        fitted = model.fit(inputs, steps_per_epoch=batches.steps, verbose=0)
        loss = float(fitted.history["mean_loss"][-1])
        train_seconds = time.monotonic() - started
        check_loss(loss, epoch, learning_rate)
        metrics = evaluator.evaluate(scores())
        seconds = time.monotonic() - started
        times = {"train_seconds": round(train_seconds, 3), "seconds": round(seconds, 3)}
        done.append(Epoch.model_validate({"epoch": epoch, "loss": loss, **times, **metrics}))
        shown = ", ".join(
            f"{name} {value:.3f} (popularity {popularity[name]:.3f})"
            for name, value in metrics.items()
            if "recall" in name
        )
        _LOGGER.info(
            "epoch %d of %d: loss %.3f, %.1f s, %s interactions/s; %s",
            epoch,
            epochs,
            loss,
            seconds,
            f"{batches.interactions / max(train_seconds, 1e-3):,.0f}",
            shown,
        )
        _write_scalars(writers["train"], epoch, {"loss": loss, "seconds": seconds})
        _write_scalars(writers["model"], epoch, metrics)
        _write_scalars(writers["popularity"], epoch, popularity)
    for writer in writers.values():
        writer.close()
    return TrainingMetrics(
        epochs=tuple(done), model=metrics, popularity=popularity, evaluated=HeldOutCounts(**evaluator.counts)
    )


def _on_devices(model: TwoTowerModel, batches: Batches, epoch: int) -> Any:
    """The epoch's batches. With several replicas, each replica gets its shards on its own device."""
    return model.distribute_strategy.distribute_datasets_from_function(lambda _: batches.epoch(epoch))


def _write_scalars(writer: Any, epoch: int, scalars: dict[str, float]) -> None:
    with writer.as_default():
        for name, value in scalars.items():
            # A TensorBoard tag cannot contain @.
            tf.summary.scalar(name.replace("@", "_at_"), value, step=epoch)
