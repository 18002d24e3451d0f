"""The models that are measured, with their faults; the limits; and the data that all contenders are measured on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.errors import ModelError
from configs.evaluation import Evaluation, Gate
from configs.leave_out import LeaveOut
from documents.evaluation import EvaluatedUsers
from pipeline.evaluation import slices, splits
from pipeline.evaluation.asked_model import AskedModel
from pipeline.evaluation.faults import reading
from pipeline.evaluation.measures import Slices
from serving_signatures.provenance import model_digest
from trainer.histories import Histories
from trainer.popularity import interaction_counts
from trainer.targets import Targets, find_targets


@dataclass
class Contender:
    """A model that is measured, or the reason why it cannot be measured.

    Attributes:
        uri: The model artifact.
        folder: Its SavedModel.
        digest: Digest of the SavedModel; None if it cannot be loaded.
        served: The loaded model; None if it cannot be loaded.
        fault: Why it cannot be asked; None if it can.
    """

    uri: str
    folder: str
    digest: str | None = None
    served: AskedModel | None = None
    fault: str | None = None

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Records a fault of the model itself, instead of failing."""
        try:
            yield
        except ModelError as e:
            self.fault = str(e)

    def load(self) -> None:
        """Loads the model and checks its embeddings.

        Raises:
            ModelUnavailableError: It cannot be read or asked, for a reason other than the model itself.
        """
        with self.faults():
            self.served = AskedModel(self.folder)
            with reading(self.folder, "read"):
                self.digest = model_digest(self.folder)
            self.served.require_finite_embeddings()


@dataclass(frozen=True)
class Contest:
    """Which models are measured, on which data, and which limits the model must reach.

    Attributes:
        model: The model that may be blessed.
        last_blessed: The last blessed model; None if there is none.
        serving_failures: Why ServingCheck refused the model; None if it blessed it.
        train_files: The train split's files, in the order of their names.
        eval_files: The eval split's files, in the order of their names.
        settings: How to measure.
        limits: The gate.
        weighted: Whether the values are the weights of histories.
        leave_out: What is left out, for all contenders.
    """

    model: Contender
    last_blessed: Contender | None
    serving_failures: Sequence[str] | None
    train_files: Sequence[str]
    eval_files: Sequence[str]
    settings: Evaluation
    limits: Gate
    weighted: bool
    leave_out: LeaveOut


@dataclass(frozen=True)
class EvalData:
    """The data that the contenders are measured on. Items are places in the model's catalogue.

    Attributes:
        train: The train split.
        queries: The evaluated users, in the form in which models are asked.
        users: The same users, with their items by place.
        left_out: The same users, with the items that are left out.
        targets: The items that were held out from these users.
        count: int64 `[items]`, the number of training interactions of each item.
        parts: The slices.
    """

    train: Histories
    queries: splits.Queries
    users: Histories
    left_out: Histories
    targets: Targets
    count: npt.NDArray[np.int64]
    parts: Slices

    @classmethod
    def read(cls, contest: Contest, served: AskedModel) -> "EvalData":
        """Reads the splits."""
        settings, weighted = contest.settings, contest.weighted
        train = splits.read_train(contest.train_files, served.item_id, weighted)
        queries = splits.read_queries(contest.eval_files, settings.max_users, weighted)
        users = queries.by_place(served.item_id)
        left_out = users.left_out(contest.leave_out)
        targets = find_targets(left_out, served.item_id)
        count = interaction_counts(train, served.items)
        parts = slices.slices_of(users, targets, count, train.user, settings)
        return cls(train, queries, users, left_out, targets, count, parts)

    def evaluated(self) -> EvaluatedUsers:
        """Counts users and their targets."""
        return EvaluatedUsers(evaluated=self.users.users, before_cut=self.queries.before_cut, **self.targets.counts)
