"""Assesses a model: reads the data, asks and measures the models, lets the gate decide, and builds evaluation.json."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from common.errors import ModelError
from configs.evaluation import LIST_K
from configs.leave_out import LeaveOut, plain
from documents.evaluation import (
    ITEM_ITEM,
    LAST_BLESSED,
    MODEL,
    POPULARITY,
    RECENT_POPULARITY,
    EvaluatedModel,
    EvaluatedUsers,
    EvaluationReport,
    Samples,
    Stability,
)
from pipeline.evaluation import baselines, gate, measuring, samples, stability
from pipeline.evaluation.asked_model import AskedModel
from pipeline.evaluation.contest import Contender, Contest, EvalData
from trainer.popularity import popularity_ranking, recent_popularity


@dataclass
class Stopwatch:
    """Measures the seconds of each step.

    Attributes:
        seconds: Step to its seconds.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measures the seconds of the block."""
        since = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - since, 3)


def assess(contest: Contest, watch: Stopwatch) -> EvaluationReport:
    """Loads the models, measures and decides.

    Args:
        contest: The models, the data and the limits.
        watch: Measures the time of each step.

    Returns:
        The measurements and the decision, with the seconds so far.

    Raises:
        ModelUnavailableError: A model cannot be read or asked, for a reason other than the model itself.
    """
    model, last_blessed, settings = contest.model, contest.last_blessed, contest.settings
    contenders = {MODEL: model} | ({LAST_BLESSED: last_blessed} if last_blessed is not None else {})
    with watch.step("load"):
        for contender in contenders.values():
            contender.load()
    data, measured, stable, stability_fault = None, measuring.Measurements({}, {}), None, None
    users = EvaluatedUsers(evaluated=0, before_cut=0, targets=0, targets_met=0, targets_outside_catalogue=0)
    sampled = Samples()
    if model.served is not None:
        with watch.step("read"):
            data = EvalData.read(contest, model.served)
        users = data.evaluated()
        with watch.step("ask"):
            rankings, score = _asked(model, model.served, contest, data, max(settings.top_k))
        if data.users.users:
            with watch.step("baselines"):
                k = min(max(settings.top_k), model.served.items)
                rankings |= baseline_rankings(data, k, settings.popularity_days)
            with watch.step("bootstrap"):
                measured = measuring.measure(rankings, data.targets, data.count, data.parts, settings)
            if score is not None:
                with watch.step("samples"), model.faults():
                    sampled = samples.samples(model.served, data, rankings[MODEL], score, settings.seed)
        stable, stability_fault = _stability(model, last_blessed, data.count, settings.seed)
    evidence = _evidence(contest, data, measured, stable, stability_fault)
    return EvaluationReport(
        users=users,
        settings=settings.model_dump(mode="json"),
        gate=contest.limits.model_dump(mode="json"),
        leave_out=plain(contest.leave_out),
        contenders=measuring.contenders(measured, data.parts, data.targets, settings) if data else {},
        differences=measuring.differences(measured, settings),
        samples=sampled,
        models={
            name: EvaluatedModel(uri=contender.uri, digest=contender.digest) for name, contender in contenders.items()
        },
        neighbour_stability=stable,
        decision=gate.decision(gate.rules(evidence, contest.limits)),
        seconds=watch.seconds,
    )


def _evidence(
    contest: Contest,
    data: EvalData | None,
    measured: measuring.Measurements,
    stable: Stability | None,
    stability_fault: str | None,
) -> gate.Evidence:
    last_blessed = contest.last_blessed
    return gate.Evidence(
        model_fault=contest.model.fault,
        serving_failures=contest.serving_failures,
        has_last_blessed=last_blessed is not None,
        last_blessed_fault=last_blessed.fault if last_blessed else None,
        users=data.users.users if data else 0,
        items=len(data.count) if data else 0,
        slice_users=measuring.slice_users(data.parts, data.targets) if data else {},
        metrics=measured.over_all_users(),
        differences=measured.differences(),
        neighbour_stability=stable.mean_jaccard if stable else None,
        stability_fault=stability_fault,
    )


def _asked(
    model: Contender, served: AskedModel, contest: Contest, data: EvalData, k: int
) -> tuple[dict[str, npt.NDArray[np.int32]], npt.NDArray[np.float32] | None]:
    """Asks both models for lists, in places of today's catalogue, and the model for scores; skips a faulty model."""
    rankings, score = {}, None
    if model.fault is None:
        with model.faults():
            rankings[MODEL], score = served.recommend(data.queries, k)
    return rankings | last_blessed_ranking(contest.last_blessed, served, contest.leave_out, data, k), score


def last_blessed_ranking(
    last_blessed: Contender | None, served: AskedModel, leave_out: LeaveOut, data: EvalData, k: int
) -> dict[str, npt.NDArray[np.int32]]:
    """The lists of the last blessed model.

    It may have been made with another rule of what is left out. So it is asked for the scores of all items, which are
    ranked by today's rule.

    Args:
        last_blessed: The model, loaded; None if there is none.
        served: The model that today's places are those of.
        leave_out: Today's rule.
        data: The users.
        k: Length of a list.

    Returns:
        LAST_BLESSED to `[users, min(k, items)]` places; empty if it cannot be asked.
    """
    rankings: dict[str, npt.NDArray[np.int32]] = {}
    if last_blessed is None or last_blessed.served is None or last_blessed.fault is not None:
        return rankings
    with last_blessed.faults():
        place, _ = last_blessed.served.rank(data.queries, leave_out, k)
        length = min(k, served.items)
        place = last_blessed.served.translated(place, served)[:, :length]
        # A catalogue that is smaller than today's gives shorter lists.
        rankings[LAST_BLESSED] = np.pad(place, [(0, 0), (0, length - place.shape[1])], constant_values=-1)
    return rankings


def baseline_rankings(data: EvalData, k: int, popularity_days: float) -> dict[str, npt.NDArray[np.int32]]:
    """The lists of the baselines, `[users, k]` places; of recent popularity only if the log has times."""
    popular = popularity_ranking(data.left_out, data.count, k)
    recent = {}
    if data.train.timestamp is not None:
        shares = recent_popularity(data.train, len(data.count), popularity_days)
        recent = {RECENT_POPULARITY: popularity_ranking(data.left_out, shares, k)}
    similar = baselines.item_item_ranking(data.train, data.users, data.left_out, data.count, k)
    return {POPULARITY: popular, **recent, ITEM_ITEM: similar}


def _stability(
    model: Contender, last_blessed: Contender | None, count: npt.NDArray[np.int64], seed: int
) -> tuple[Stability | None, str | None]:
    """Measures neighbour stability; else returns None and the reason, or no reason if a model as a whole is faulty."""
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
        # This is not recorded as the model's fault: its recommendations are measured already, and the gate needs them.
        return None, f"the last blessed model cannot be asked for neighbours: {e}"
    stable = stability.agreement(ours, last_blessed.served.translated(theirs, model.served))
    return stable, None if stable else "no item has neighbours in both models."
