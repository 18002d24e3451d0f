"""Defines `run_fn`, which Trainer calls: load, fit, check, export. A failure leaves no model."""

import logging
import os
from collections.abc import Mapping

import tensorflow_transform as tft

from common.errors import CandidateError, TrainingError
from documents.metrics import HeldOutCounts, TrainingMetrics
from documents.provenance import FinalMetrics, Start
from documents.validation import ValidationReport
from serving_signatures.export import export_model, signatures_of
from serving_signatures.provenance import model_digest, provenance
from serving_signatures.retriever import Retriever, ServedCatalogue
from trainer.base_model import find_base_model, hand_on, origin_of, state_folder, write_report
from trainer.checks import check_data
from trainer.choosing import choose_and_fit, evaluator_of
from trainer.data import read_data
from trainer.fitting import Training, kind_of
from trainer.fn_args import FnArgs
from trainer.resources import measured
from trainer.settings import TrainerSettings
from trainer.tuning.hyperparameters import applied
from trainer.warm_state import Carried, WarmState, write_state

LOGS_VARIABLE = "AIP_TENSORBOARD_LOG_DIR"
"""Vertex sets this variable in a CustomJob, to the folder from which managed TensorBoard reads:
https://cloud.google.com/vertex-ai/docs/training/code-requirements#environment-variables."""


def run_fn(fn_args: FnArgs) -> None:
    """Trains a model and exports it, or hands on the base model if data, config and code are the same.

    Args:
        fn_args: See `FnArgs`. The model goes to `serving_model_dir`; beside it goes the state from which a
            later run starts. Logs, `metrics.json` and `warm_start.json` go to `model_run_dir`.

    Raises:
        CandidateError: A candidate of a comparison cannot be trained.
        TrainingError: The settings or the hyperparameters do not fit this code, the model cannot learn from the data,
            or the trained model must not be served.
    """
    settings = TrainerSettings.unpack(fn_args.custom_config)
    if fn_args.base_model:
        settings = settings.following(origin_of(fn_args.base_model).candidate)
    trainer, tuned = applied(settings.trainer, fn_args.hyperparameters)
    settings = settings.model_copy(update={"trainer": trainer})
    interactions_graph = tft.TFTransformOutput(fn_args.transform_graph_path)
    catalogue_graph = tft.TFTransformOutput(fn_args.candidates_transform_graph_path)
    data = read_data(fn_args, settings.features, interactions_graph, catalogue_graph)
    check_data(data.interactions, data.held_out)
    evaluator = evaluator_of(data, settings.trainer, settings.serving.rule)
    counts = {**data.counts, "eval_users": evaluator.counts["users"]}
    logger = logging.getLogger("perennial.trainer")
    logger.info("training on %s", ", ".join(f"{name}: {count}" for name, count in counts.items()))
    logger.info(
        "evaluating %(users)d of %(users_before_cut)d users on %(targets)d targets; %(targets_met)d left out and "
        "%(targets_outside_catalogue)d outside the catalogue count as misses",
        evaluator.counts,
    )

    digest = data.digest()
    base = find_base_model(fn_args.base_model, settings.trainer)
    if base.is_made_of(settings.made_by, digest, tuned):
        hand_on(base, fn_args.serving_model_dir, fn_args.model_run_dir)
        return
    if not fn_args.is_due:
        refreshed = settings.trainer.model_copy(update={"learn": False, "warm_start": True})
        last = find_base_model(fn_args.base_model, refreshed)
        if last.start is not None and last.origin.tuned == tuned:
            base, settings = last, settings.model_copy(update={"trainer": refreshed})
        else:
            why = last.cold_start_because or "the tuner has found other settings"
            logger.warning("training is not due, but the last blessed model cannot be refreshed: %s", why)

    if not settings.trainer.learn and base.start is None:
        raise TrainingError(
            f"trainer.learn is false, and there is no model to take today's items in: {base.cold_start_because}. Run "
            "the pipeline once with learn: true, or leave learn out."
        )

    def begin(carried: Mapping[str, Carried], epochs: int) -> None:
        write_report(base, carried, epochs, fn_args.model_run_dir, is_refreshed=not settings.trainer.learn)

    logs = os.environ.get(LOGS_VARIABLE) or fn_args.model_run_dir
    training = Training(data, evaluator, False, base.start, begin, logs)
    try:
        with measured() as resources:
            outcome = choose_and_fit(training, settings.trainer, settings.serving.rule, validate=settings.is_compared)
    except TrainingError as e:
        if settings.is_compared:
            raise CandidateError(str(e)) from e
        raise
    fitted = outcome.fitted
    if outcome.by_user is not None:
        by_user = {name: tuple(values.tolist()) for name, values in outcome.by_user.items()}
        ValidationReport(by_user=by_user).write(fn_args.model_run_dir)
    metrics = TrainingMetrics(
        epochs=fitted.epochs,
        model=evaluator.evaluate(fitted.model.scores),
        popularity=evaluator.popularity,
        evaluated=HeldOutCounts(**evaluator.counts),
        seconds=resources.seconds,
        peak_mib=resources.peak_mib,
        choice=outcome.choice,
        tuned=tuned,
    )
    metrics.write(fn_args.model_run_dir)
    candidates = data.candidates
    retriever = Retriever(
        model=fitted.model,
        catalogue=ServedCatalogue(
            item_id=candidates.item_id, title=candidates.title, popularity=data.popularity, row=candidates.row
        ),
        interactions_graph=interactions_graph,
        catalogue_graph=catalogue_graph,
        default_k=settings.serving.k,
        leave_out=settings.serving.rule,
    )
    start = Start(
        warm=base.start is not None,
        data_digest=base.origin.data_digest,
        carried={name: rows.carried for name, rows in fitted.carried.items()},
    )
    final = FinalMetrics(model=metrics.model, popularity=metrics.popularity)
    origin = provenance(
        settings.made_by, digest, counts, final, start, settings.serving.rule, tuned, settings.candidate
    ).model_copy(update={"learned": final if settings.trainer.learn else base.origin.learned})

    def write_its_state(exported: str) -> None:
        architecture = kind_of(settings.trainer).architecture(settings.trainer)
        state = WarmState(architecture, fitted.tables, fitted.arrays, metrics, model_digest(exported))
        write_state(state, state_folder(fn_args.serving_model_dir))

    # The SavedModel comes last, as in `hand_on`: a failure leaves no model.
    export_model(retriever, fn_args.serving_model_dir, origin, before_commit=write_its_state)
    logger.info("exported %d signatures over %s items", len(signatures_of(fitted.model)), f"{candidates.items:,}")
