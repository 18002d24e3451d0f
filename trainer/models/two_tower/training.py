"""Runs the training loop, and keeps the best epoch."""

from collections.abc import Callable
from typing import Any

from trainer.checks import check_loss
from trainer.epochs import Epochs
from trainer.models.two_tower.epoch import BatchesOfEpochs
from trainer.models.two_tower.two_tower import TwoTowerModel

Scores = Callable[[Any, Any, Any], tuple[Any, Any]]
"""See `ServedModel.scores`."""


def train(
    model: TwoTowerModel, batches: BatchesOfEpochs, epochs: Epochs, scores: Callable[[], Scores], *, keep_best: bool
) -> None:
    """Trains a model, and measures it at the end of each epoch.

    Args:
        model: A fresh or warm model; trained in place.
        batches: The input pipeline.
        epochs: Measures, and ends the training.
        scores: Gives `ServedModel.scores` of the model as it is now.
        keep_best: Whether the model ends as it was after its best epoch; else as after the last one.

    Raises:
        TrainingError: The loss is not finite.
    """
    learning_rate = float(model.optimizer.learning_rate.numpy())
    best: list[Any] = []
    while not epochs.is_over:
        number = len(epochs.done) + 1
        fitted = model.fit(_on_devices(model, batches, number), steps_per_epoch=batches.steps, verbose=0)
        loss = float(fitted.history["mean_loss"][-1])
        check_loss(loss, number, learning_rate)
        epochs.measure(loss, scores())
        if keep_best and epochs.is_best:
            best = [variable.numpy() for variable in model.trainable_variables]
    if keep_best and not epochs.is_best:
        for variable, values in zip(model.trainable_variables, best, strict=True):
            variable.assign(values)


def _on_devices(model: TwoTowerModel, batches: BatchesOfEpochs, epoch: int) -> Any:
    """The epoch's batches. With several replicas, each replica gets its shards on its own device."""
    return model.distribute_strategy.distribute_datasets_from_function(lambda _: batches.epoch(epoch))
