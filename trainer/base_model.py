"""Reads the last blessed model, from which a warm start begins, or says why the start is cold."""

import dataclasses
import logging
import posixpath
from collections.abc import Mapping

import tensorflow as tf
from pydantic import JsonValue

from common.atomicity import copy_folder
from common.errors import OutputError, WarmStartError
from configs.models import AnyModel
from documents.provenance import MadeBy, Provenance
from documents.warm_start import TableRows, WarmStartReport
from serving_signatures.export import SAVED_MODEL
from serving_signatures.provenance import model_digest
from trainer.fitting import kind_of
from trainer.warm_state import FOLDER, Carried, WarmState, read_state, write_state

_LOGGER = logging.getLogger("perennial.trainer")


@dataclasses.dataclass(frozen=True)
class BaseModel:
    """What a run starts from.

    Attributes:
        saved_model: The base model's folder; None if there is no base model.
        state: What the base model has learned; None if there is no base model, or its state cannot be read.
        origin: Its provenance; without any value if there is no base model.
        cold_start_because: Why the start is cold; None for a warm one.
    """

    saved_model: str | None
    state: WarmState | None
    origin: Provenance
    cold_start_because: str | None

    @property
    def start(self) -> WarmState | None:
        """What training starts from; None for a cold start."""
        return self.state if self.cold_start_because is None else None

    @property
    def uri(self) -> str | None:
        """The model artifact's folder."""
        return posixpath.dirname(self.saved_model) if self.saved_model is not None else None

    def is_made_of(self, made_by: MadeBy, data_digest: str, tuned: Mapping[str, JsonValue]) -> bool:
        """Whether training would make this model again, because config, code, data and tuned settings are the same.

        Args:
            made_by: Digests of config and code, from the pipeline.
            data_digest: Digest of the training data and the evaluation data.
            tuned: Settings that come from the tuner, by name.

        Returns:
            True if all are equal. False also if one of them is missing, if the base model's state cannot be
            read, or if its SavedModel is not the exported one: if this run handed on a damaged model, the pipeline
            would refuse it day after day.
        """
        wanted = {**dict(made_by), "data_digest": data_digest, "tuned": dict(tuned)}
        known = self.origin.model_dump()
        if self.state is None or any(known.get(name) != value for name, value in wanted.items()):
            return False
        assert self.saved_model is not None
        try:
            is_whole = model_digest(self.saved_model) == self.state.model_digest
        except tf.errors.OpError:
            is_whole = False
        if not is_whole:
            _LOGGER.warning("the base model's files differ from the exported ones; a new model is trained")
        return is_whole


def find_base_model(path: str | None, settings: AnyModel) -> BaseModel:
    """Reads the base model's state; if it cannot be read, the start is cold.

    The state is read even if the config asks for a cold start: if data, config and code are the same, the base model
    is handed on.

    Args:
        path: The base model's SavedModel, as in `FnArgs.base_model`; None or empty for none.
        settings: Settings of the model that will start from it.

    Returns:
        The base model.
    """
    unwanted = None if settings.warm_start else "trainer.warm_start is false"
    if not path:
        return BaseModel(None, None, Provenance(), unwanted or "there is no blessed model yet")
    saved_model = path.rstrip("/")
    try:
        folder = posixpath.join(posixpath.dirname(saved_model), FOLDER)
        state = read_state(folder, kind_of(settings).architecture(settings))
    except WarmStartError as e:
        return BaseModel(saved_model, None, origin_of(saved_model), unwanted or str(e))
    return BaseModel(saved_model, state, origin_of(saved_model), unwanted)


def write_report(
    base: BaseModel,
    tables: Mapping[str, Carried],
    epochs: int | None,
    folder: str,
    *,
    is_refreshed: bool = False,
) -> None:
    """Writes `warm_start.json`, and logs the same.

    Args:
        base: What the run starts from.
        tables: For each table, how many rows were carried over, are new, or were dropped.
        epochs: Number of epochs to train; None if the base model is handed on.
        folder: The folder to write to.
        is_refreshed: Whether the base model takes in today's items and users, and learns nothing.
    """
    WarmStartReport(
        base_model=base.uri,
        # A model that is handed on has not started at all.
        cold_start_because=base.cold_start_because if epochs is not None else None,
        epochs=epochs or 0,
        unchanged=epochs is None,
        refreshed=is_refreshed,
        tables={name: TableRows(**dataclasses.asdict(rows)) for name, rows in tables.items()},
    ).write(folder)
    if epochs is None:
        _LOGGER.info("data, config and code have not changed; this run uses the base model again, without training")
        return
    if base.cold_start_because is not None:
        _LOGGER.info("cold start: %s", base.cold_start_because)
        return
    summary = "; ".join(
        f"{name} {rows.carried:,} carried, {rows.new:,} new, {rows.dropped:,} dropped" for name, rows in tables.items()
    )
    _LOGGER.info("%s: %s", "refresh" if is_refreshed else "warm start", summary)


def hand_on(base: BaseModel, serving_model_dir: str, model_run_dir: str) -> None:
    """Copies the base model as this run's model, without training.

    Training again on the same data would push a new version without need, and with warm starts the model would drift.

    Args:
        base: A base model with a state.
        serving_model_dir: Where the SavedModel goes; every byte is equal to the base model's.
        model_run_dir: Where the base model's metrics and the report go. The held-out targets are the same, so the
            metrics are still right.
    """
    assert base.saved_model is not None
    assert base.state is not None
    tables = {name: Carried(len(table.ids), 0, 0) for name, table in base.state.tables.items()}
    write_report(base, tables, None, model_run_dir)
    base.state.metrics.write(model_run_dir)
    write_state(base.state, state_folder(serving_model_dir))
    copy_folder(base.saved_model, serving_model_dir, commit_file=SAVED_MODEL)


def state_folder(serving_model_dir: str) -> str:
    """The folder of a model's state, beside its SavedModel."""
    return posixpath.join(posixpath.dirname(serving_model_dir.rstrip("/")), FOLDER)


def origin_of(saved_model: str) -> Provenance:
    """The model's provenance; an empty one if it cannot be read, and then the model is trained again."""
    try:
        return Provenance.find(saved_model) or Provenance()
    except (OutputError, OSError, tf.errors.OpError):
        return Provenance()
