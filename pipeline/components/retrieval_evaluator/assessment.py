"""From the loaded models and what the Beam pipeline left to evaluation.json: measures, then asks the gate."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from common.errors import ModelError
from configs.evaluation import LIST_K, Evaluation, Gate
from documents.evaluation import (
    ITEM_ITEM,
    LAST_BLESSED,
    MODEL,
    POPULARITY,
    EvaluatedModel,
    EvaluatedUsers,
    EvaluationReport,
    Samples,
    Stability,
)
from pipeline.components.retrieval_evaluator import baselines, evaluation, gate, results, samples, slices, stability
from pipeline.components.retrieval_evaluator.measures import Slices
from pipeline.components.retrieval_evaluator.served_model import ServedModel, reading
from pipeline.components.retrieval_evaluator.users import Users
from serving_signatures.provenance import model_digest


@dataclass
class Contender:
    """A model that is measured, or why it cannot be.

    Attributes:
        uri: The model artifact.
        folder: Its SavedModel.
        digest: Of the SavedModel; None where it cannot even be loaded.
        served: The loaded model; None where it cannot even be loaded.
        fault: Why it cannot be asked; None if it can.
    """

    uri: str
    folder: str
    digest: str | None = None
    served: ServedModel | None = None
    fault: str | None = None

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Keeps what is wrong with the model itself, instead of failing."""
        try:
            yield
        except ModelError as e:
            self.fault = str(e)

    def load(self) -> None:
        """Loads the model and looks at its embeddings.

        Raises:
            ModelUnavailableError: It cannot be read or asked, and not because of what it is.
        """
        with self.faults():
            self.served = ServedModel(self.folder)
            with reading(self.folder, "read"):
                self.digest = model_digest(self.folder)
            self.served.require_finite_embeddings()


@dataclass
class Clock:
    """Seconds of each step.

    Attributes:
        seconds: Step to its seconds.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measures the block."""
        since = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - since, 3)


@dataclass(frozen=True)
class Asked:
    """What is asked of whom.

    Attributes:
        train: The train split.
        users: The evaluated users.
        before_cut: Users with a target before the cut to max_users.
        count: int64 `[items]`, training interactions of each item.
        parts: The slices.
    """

    train: Users
    users: Users
    before_cut: int
    count: npt.NDArray[np.int64]
    parts: Slices

    @classmethod
    def read(cls, folder: str, served: ServedModel, settings: Evaluation, weighted: bool) -> "Asked":
        """Reads what the Beam pipeline left."""
        train = results.read_users(os.path.join(folder, results.TRAIN), served.item_id, weighted)
        users = results.read_users(os.path.join(folder, results.EVAL), served.item_id, weighted)
        count = np.bincount(train.item[train.item >= 0], minlength=served.items)
        parts = slices.slices_of(users, count, train.hash, settings)
        return cls(train, users, results.read_cut(folder), count, parts)

    def counts(self) -> EvaluatedUsers:
        """Counts users and their targets."""
        return EvaluatedUsers(
            evaluated=self.users.count,
            before_cut=self.before_cut,
            targets=len(self.users.target),
            targets_met=int(self.users.met().sum()),
            targets_outside_catalogue=int((self.users.target < 0).sum()),
        )


def assess(
    model: Contender,
    last_blessed: Contender | None,
    serving_failures: Sequence[str] | None,
    folder: str,
    settings: Evaluation,
    limits: Gate,
    weighted: bool,
    clock: Clock,
) -> EvaluationReport:
    """Measures and decides.

    Args:
        model: The candidate for a blessing, loaded.
        last_blessed: The last blessed model, loaded; None where there is none.
        serving_failures: Why ServingCheck refused the model; None if it blessed it.
        folder: The Beam pipeline's results; not looked at where the model could not be loaded.
        settings: How to measure.
        limits: The gate.
        weighted: Whether values weigh the history.
        clock: Takes the time of each step.

    Returns:
        What was measured and decided, with the seconds so far.
    """
    asked, measured, stable, stability_fault = None, evaluation.Measured({}, {}), None, None
    users = EvaluatedUsers(evaluated=0, before_cut=0, targets=0, targets_met=0, targets_outside_catalogue=0)
    sampled = Samples()
    if model.served is not None:
        with clock.step("read"):
            asked = Asked.read(folder, model.served, settings, weighted)
        users = asked.counts()
        if asked.users.count:
            rankings, score = _rankings(model, model.served, last_blessed, asked, folder, settings, clock)
            with clock.step("bootstrap"):
                measured = evaluation.measure(rankings, asked.users, asked.count, asked.parts, settings)
            if score is not None:
                with clock.step("samples"), model.faults():
                    sampled = samples.samples(
                        model.served, asked.users, rankings[MODEL], score, asked.count, asked.parts, settings.seed
                    )
        stable, stability_fault = _stability(model, last_blessed, asked.count, settings.seed)
    evidence = gate.Evidence(
        model_fault=model.fault,
        serving_failures=serving_failures,
        has_last_blessed=last_blessed is not None,
        last_blessed_fault=last_blessed.fault if last_blessed else None,
        users=asked.users.count if asked else 0,
        items=len(asked.count) if asked else 0,
        slice_users=evaluation.slice_users(asked.parts, asked.users) if asked else {},
        metrics=measured.over_all_users(),
        differences=measured.differences,
        neighbour_stability=stable.mean_jaccard if stable else None,
        stability_fault=stability_fault,
    )
    return EvaluationReport(
        users=users,
        settings=settings.model_dump(mode="json"),
        gate=limits.model_dump(mode="json"),
        contenders=evaluation.contenders(measured, asked.parts, asked.users, settings) if asked else {},
        differences=evaluation.differences(measured, settings),
        samples=sampled,
        models={
            name: EvaluatedModel(uri=contender.uri, digest=contender.digest)
            for name, contender in ((MODEL, model), (LAST_BLESSED, last_blessed))
            if contender is not None
        },
        neighbour_stability=stable,
        decision=gate.decision(gate.rules(evidence, limits)),
        seconds=clock.seconds,
    )


def _rankings(
    model: Contender,
    served: ServedModel,
    last_blessed: Contender | None,
    asked: Asked,
    folder: str,
    settings: Evaluation,
    clock: Clock,
) -> tuple[dict[str, npt.NDArray[np.int32]], npt.NDArray[np.float32] | None]:
    """Every contender's lists in places of today's catalogue, and the model's scores; a model at fault has none."""
    k, score = min(max(settings.top_k), served.items), None
    rankings = {}
    if model.fault is None:
        with model.faults():
            rankings[MODEL], score = results.read_answers(os.path.join(folder, MODEL))
    if last_blessed is not None and last_blessed.served is not None and last_blessed.fault is None:
        with last_blessed.faults():
            place, _ = results.read_answers(os.path.join(folder, LAST_BLESSED))
            place = last_blessed.served.translated(place, served)[:, :k]
            # A smaller catalogue than today's gives shorter lists.
            rankings[LAST_BLESSED] = np.pad(place, [(0, 0), (0, k - place.shape[1])], constant_values=-1)
    with clock.step("baselines"):
        rankings[POPULARITY] = baselines.popularity_ranking(asked.users, asked.count, k)
        neighbours = baselines.item_neighbours(asked.train, served.items)
        rankings[ITEM_ITEM] = baselines.item_item_ranking(asked.users, neighbours, rankings[POPULARITY])
    return rankings, score


def _stability(
    model: Contender, last_blessed: Contender | None, count: npt.NDArray[np.int64], seed: int
) -> tuple[Stability | None, str | None]:
    """Neighbour stability, or None and why; no reason where one of the models is at fault as a whole."""
    if last_blessed is None or model.served is None or last_blessed.served is None:
        return None, None
    if model.fault is not None or last_blessed.fault is not None:
        return None, None
    drawn = stability.drawn(count, model.served.places_in(last_blessed.served), seed)
    with model.faults():
        ours, _ = model.served.similar_items(model.served.ids(drawn), LIST_K)
    if model.fault is not None:
        return None, None
    try:
        theirs, _ = last_blessed.served.similar_items(model.served.ids(drawn), LIST_K)
    except ModelError as e:
        # Apart from its fault: its recommendations are measured by now, and the gate shall look at them.
        return None, f"the last blessed model cannot be asked for neighbours: {e}"
    stable = stability.agreement(ours, last_blessed.served.translated(theirs, model.served))
    return stable, None if stable else "no item has neighbours in both models."
