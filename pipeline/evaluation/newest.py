"""Asks a model about held-out interactions that are newer than what it learned from."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from configs.evaluation import LIST_K, Evaluation
from configs.leave_out import LeaveOut
from documents.evaluation import Measurement
from documents.retraining import NewestTargets
from pipeline.evaluation import splits
from pipeline.evaluation.asked_model import AskedModel
from pipeline.evaluation.measuring import measurement
from trainer import bootstrap
from trainer.metrics import target_ranks, user_metrics
from trainer.popularity import interaction_counts, popularity_ranking
from trainer.targets import find_targets
from transforms import features

METRIC = f"ndcg@{LIST_K}"


@dataclasses.dataclass(frozen=True)
class Newest:
    """What has come since a model learned.

    Attributes:
        interactions: Interactions of all users that are newer, held-out ones included; None for a log without times.
        targets: What the model makes of newer held-out ones; None if there are too few users with such.
    """

    interactions: int | None
    targets: NewestTargets | None


def ask_about_newest(
    served: AskedModel,
    learned: float | None,
    since: int | None,
    files: tuple[Sequence[str], Sequence[str]],
    settings: Evaluation,
    weighted: bool,
    leave_out: LeaveOut,
    min_users: int,
) -> Newest:
    """Counts and measures what is newer.

    Args:
        served: The model.
        learned: Its metric at the end of its training.
        since: The newest time, in Unix seconds, of what it learned from; None for a log without times.
        files: Those of the splits `train` and `eval`.
        settings: The cut of users, and the bootstrap.
        weighted: Whether the values are the weights of histories.
        leave_out: What is left out of lists.
        min_users: Least number of users for the metric.

    Raises:
        ModelError: The model answers with what cannot be ranked.
        ModelUnavailableError: The model cannot answer.
    """
    if since is None:
        return Newest(None, None)
    train_files, eval_files = files
    newer = splits.count_newer(train_files, features.TIMESTAMP, since)
    newer += splits.count_newer(eval_files, features.TARGET_TIMESTAMP, since)
    queries = splits.read_queries(eval_files, settings.max_users, weighted, newer_than=since)
    if queries.histories.users < min_users:
        return Newest(newer, None)
    train = splits.read_train(train_files, served.item_id, weighted)
    left_out = queries.by_place(served.item_id).left_out(leave_out)
    targets = find_targets(left_out, served.item_id)
    place, _ = served.rank(queries, leave_out, LIST_K)
    popular = popularity_ranking(left_out, interaction_counts(train, served.items), min(LIST_K, served.items))

    def measured(ranked: npt.NDArray[np.int32]) -> Measurement:
        reachable = np.where(targets.met, -1, targets.place)
        rank = target_ranks(ranked, targets.row, reachable)
        of_user = user_metrics(rank, targets.row, left_out.users, ranked.shape[1], (LIST_K,))[METRIC]
        return measurement(bootstrap.paired_interval(of_user, settings.resamples, settings.seed))

    found = NewestTargets(
        users=left_out.users,
        metric=METRIC,
        model=measured(place),
        popularity=measured(popular),
        learned=learned,
    )
    return Newest(newer, found)
