"""Defines `run_fn`, which TwoTowerTrainer calls: load, start, train, check, export. A failure leaves no model."""

import logging
from collections.abc import Iterable
from typing import Any

import numpy.typing as npt
import tensorflow_transform as tft

from documents.provenance import FinalMetrics, Start
from serving_signatures.export import SIGNATURES, export_model
from serving_signatures.provenance import digest_of, model_digest, provenance
from serving_signatures.retriever import Retriever, ServedCatalogue
from trainer.base_model import find_base_model, hand_on, state_folder, write_report
from trainer.batches import Batches
from trainer.candidates import Candidates, read_candidates
from trainer.checks import check_data, check_embeddings
from trainer.distribution import find_strategy
from trainer.evaluate import Evaluator, embed_catalogue
from trainer.fn_args import TwoTowerFnArgs
from trainer.histories import Histories, read_histories
from trainer.popularity import popularity_shares
from trainer.settings import TrainerSettings
from trainer.training import train
from trainer.two_tower import TwoTower
from trainer.warm_start import carry_over, nothing_carried, state_of, table_ids
from trainer.warm_state import write_state
from transforms import features
from transforms.catalogue import content_sizes, content_vocabularies


def run_fn(fn_args: TwoTowerFnArgs) -> None:
    """Trains a two-tower model and exports it, or hands on the base model if data, config and code are the same.

    Args:
        fn_args: See `TwoTowerFnArgs`. The model goes to `serving_model_dir`; beside it goes the state from which a
            later run starts. Logs, `metrics.json` and `warm_start.json` go to `model_run_dir`.

    Raises:
        TrainingError: The settings do not fit this code, the model cannot learn from the data, or the trained model
            must not be served.
    """
    settings = TrainerSettings.unpack(fn_args.custom_config)
    interactions_graph = tft.TFTransformOutput(fn_args.transform_graph_path)
    catalogue_graph = tft.TFTransformOutput(fn_args.candidates_transform_graph_path)

    interactions = read_histories(fn_args.train_files)
    held_out = read_histories(fn_args.eval_files)
    check_data(interactions, held_out, settings.trainer.batch_size)
    users = interactions_graph.vocabulary_by_name(features.USER_VOCABULARY)
    interacted_items = interactions_graph.vocabulary_by_name(features.INTERACTED_ITEM_VOCABULARY)
    candidates = read_candidates(
        fn_args.candidates_files, interacted_items, content_sizes(catalogue_graph, settings.features)
    )
    popularity = popularity_shares(interactions.with_items(candidates.place), candidates.items)
    evaluator = Evaluator(
        held_out,
        candidates,
        popularity,
        settings.trainer.eval_top_k,
        settings.serving.rule,
        settings.trainer.eval_max_users,
    )
    counts = {
        "users": len(users),
        "items": candidates.items,
        "interacted_items": len(interacted_items),
        "interactions": len(interactions.item),
        "eval_users": evaluator.counts["users"],
    }
    logger = logging.getLogger("perennial.trainer")
    logger.info("training on %s", ", ".join(f"{name}: {count}" for name, count in counts.items()))
    logger.info(
        "evaluating %(users)d of %(users_before_cut)d users on %(targets)d targets; %(targets_met)d left out and "
        "%(targets_outside_catalogue)d outside the catalogue count as misses",
        evaluator.counts,
    )

    vocabularies = content_vocabularies(catalogue_graph, settings.features)
    digest = data_digest(interactions, held_out, users, interacted_items, candidates, vocabularies)
    base = find_base_model(fn_args.base_model, settings.trainer)
    if base.is_made_of(settings.made_by, digest):
        hand_on(base, fn_args.serving_model_dir, fn_args.model_run_dir)
        return

    strategy = find_strategy()
    logger.info("training on %d device(s)", strategy.num_replicas_in_sync)
    with strategy.scope():
        model = TwoTower(len(users), interactions, candidates, settings.trainer)
    ids = table_ids(users, interacted_items, candidates, vocabularies)
    carried = carry_over(model, base.start, ids, candidates) if base.start else nothing_carried(ids)
    epochs = settings.trainer.epochs_when_warm if base.start else settings.trainer.epochs
    write_report(base, carried, epochs, fn_args.model_run_dir)
    batches = Batches(interactions, candidates, settings.trainer, strategy.num_replicas_in_sync)
    summary = train(model, batches, evaluator, epochs, fn_args.model_run_dir)

    embedding = embed_catalogue(model, candidates)
    check_embeddings(embedding[candidates.place], "interacted items")
    check_embeddings(evaluator.embed_queries(model), "evaluated users")
    retriever = Retriever(
        embed_query=model.query_tower.call,
        query_variables=model.query_tower.variables,
        catalogue=ServedCatalogue(
            item_id=candidates.item_id,
            title=candidates.title,
            embedding=embedding,
            popularity=popularity,
            row=candidates.row,
        ),
        interactions_graph=interactions_graph,
        catalogue_graph=catalogue_graph,
        default_k=settings.serving.k,
        leave_out=settings.serving.rule,
    )
    start = Start(
        warm=base.start is not None,
        data_digest=base.origin.data_digest,
        carried={name: rows.carried for name, rows in carried.items()},
    )
    metrics = FinalMetrics(model=summary.model, popularity=summary.popularity)
    origin = provenance(settings.made_by, digest, counts, metrics, start, settings.serving.rule)

    def write_its_state(exported: str) -> None:
        write_state(state_of(model, ids, summary, model_digest(exported)), state_folder(fn_args.serving_model_dir))

    # The SavedModel comes last, as in `hand_on`: a failure leaves no model.
    export_model(retriever, fn_args.serving_model_dir, origin, before_commit=write_its_state)
    logger.info("exported %d signatures over %s items", len(SIGNATURES), f"{candidates.items:,}")


def data_digest(
    interactions: Histories,
    held_out: Histories,
    users: list[bytes],
    interacted_items: list[bytes],
    candidates: Candidates,
    vocabularies: dict[str, list[bytes]],
) -> str:
    """Digest of the training data and the evaluation data: the indices, and what each index means.

    Args:
        interactions: The train split.
        held_out: The eval split.
        users: The vocabulary of users, in order.
        interacted_items: The vocabulary of interacted items, in order.
        candidates: The catalogue.
        vocabularies: The vocabularies of content features, by name.

    Returns:
        64 hexadecimal digits.
    """
    arrays: list[npt.NDArray[Any]] = []
    for split in (interactions, held_out):
        arrays += [split.user, split.offset, split.item, split.weight, split.target_offset]
    words: list[Iterable[bytes]] = [users, interacted_items, candidates.item_id, candidates.title, held_out.target]
    for name, content in sorted(candidates.content.items()):
        arrays += [content.index, content.offset]
        words += [[name.encode()], vocabularies.get(name, [])]
    # Each list has its own digest, so that the end of one list cannot be read as the start of the next.
    lists = (digest_of(entries).encode() for entries in words)
    return digest_of([*lists, *(array.tobytes() for array in arrays)])
