"""The last blessed model, as a run finds it: what there is to start from, or why there is nothing."""

import dataclasses
import logging
import posixpath
from collections.abc import Mapping

import tensorflow as tf

from common.atomicity import copy_folder
from common.errors import OutputError, WarmStartError
from configs.model import Trainer
from documents.provenance import Provenance
from documents.warm_start import TableRows, WarmStartReport
from serving_signatures.export import SAVED_MODEL
from serving_signatures.provenance import model_digest
from trainer.warm_start import Carried
from trainer.warm_state import FOLDER, WarmState, read_state, write_state

_LOGGER = logging.getLogger("perennial.trainer")


@dataclasses.dataclass(frozen=True)
class BaseModel:
    """What a run starts from.

    Attributes:
        saved_model: The base model's folder; None if there is none.
        state: What it has learned; None if there is none, or it cannot be read.
        origin: Its provenance; one that says nothing where there is none.
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

    def is_made_of(self, made_by: Mapping[str, str], data_digest: str) -> bool:
        """Whether it is what training would make again: of the same config, code and data.

        Args:
            made_by: What the pipeline says: digests of config and code.
            data_digest: Of what there is to learn from and to be evaluated on.

        Returns:
            False too where one of the two does not say, where what the base model has learned cannot be read, or where
            its SavedModel is not what was exported: handed on, a damaged one would be refused day after day.
        """
        wanted = {**made_by, "data_digest": data_digest}
        known = self.origin.model_dump()
        if self.state is None or any(known.get(name) != value for name, value in wanted.items()):
            return False
        assert self.saved_model is not None
        try:
            is_whole = model_digest(self.saved_model) == self.state.model_digest
        except tf.errors.OpError:
            is_whole = False
        if not is_whole:
            _LOGGER.warning(
                "the base model's files are not those that were exported: it is trained anew, not handed on"
            )
        return is_whole


def find_base_model(path: str | None, settings: Trainer) -> BaseModel:
    """Reads the base model's state; whatever is wrong with it, there is a cold start then.

    It is read also where the config wants a cold start: a model of the same data, config and code is handed on.

    Args:
        path: The base model's SavedModel, as in `FnArgs.base_model`; None or empty for none.
        settings: Of the model that is to start from it.

    Returns:
        The base model.
    """
    unwanted = None if settings.warm_start else "trainer.warm_start is false"
    if not path:
        return BaseModel(None, None, Provenance(), unwanted or "there is no blessed model yet")
    saved_model = path.rstrip("/")
    try:
        state = read_state(posixpath.join(posixpath.dirname(saved_model), FOLDER), settings.embedding_dim)
    except WarmStartError as e:
        return BaseModel(saved_model, None, _origin(saved_model), unwanted or str(e))
    return BaseModel(saved_model, state, _origin(saved_model), unwanted)


def write_report(base: BaseModel, tables: Mapping[str, Carried], epochs: int, folder: str) -> None:
    """Writes `warm_start.json`, and says the same in the log.

    Args:
        base: What the run starts from.
        tables: What became of each table's rows.
        epochs: That it trains for; 0 if the base model is handed on.
        folder: Where to.
    """
    WarmStartReport(
        base_model=base.uri,
        # A model that is handed on has not started at all.
        cold_start_because=base.cold_start_because if epochs else None,
        epochs=epochs,
        unchanged=epochs == 0,
        tables={name: TableRows(**dataclasses.asdict(of)) for name, of in tables.items()},
    ).write(folder)
    if epochs == 0:
        _LOGGER.info("neither data nor config nor code has changed: the base model is handed on")
        return
    if base.cold_start_because is not None:
        _LOGGER.info("cold start: %s", base.cold_start_because)
        return
    rows = "; ".join(
        f"{name} {of.carried:,} carried, {of.new:,} new, {of.dropped:,} dropped" for name, of in tables.items()
    )
    _LOGGER.info("warm start: %s", rows)


def hand_on(base: BaseModel, serving_model_dir: str, model_run_dir: str) -> None:
    """Makes the base model this run's: what it has learned is all that there is to learn.

    Training on the same data again would push a new version for nothing, and with warm starts let the model drift.

    Args:
        base: A base model with a state.
        serving_model_dir: Where the SavedModel goes; equal to the base model's in every byte.
        model_run_dir: Where its metrics, which are of the same held-out targets, and the report go.
    """
    assert base.saved_model is not None
    assert base.state is not None
    tables = {name: Carried(len(table.ids), 0, 0) for name, table in base.state.tables.items()}
    write_report(base, tables, 0, model_run_dir)
    base.state.metrics.write(model_run_dir)
    write_state(base.state, state_folder(serving_model_dir))
    copy_folder(base.saved_model, serving_model_dir, commit_file=SAVED_MODEL)


def state_folder(serving_model_dir: str) -> str:
    """Where a model's state goes, beside its SavedModel."""
    return posixpath.join(posixpath.dirname(serving_model_dir.rstrip("/")), FOLDER)


def _origin(saved_model: str) -> Provenance:
    """What the model says; nothing where that cannot be read, and then the model is trained anew."""
    try:
        return Provenance.find(saved_model) or Provenance()
    except (OutputError, OSError, tf.errors.OpError):
        return Provenance()
