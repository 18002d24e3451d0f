"""Makes runs for reports by hand, with the numbers of MovieLens 100K: pushed, refused and failed; and a replay."""

import dataclasses
from datetime import datetime, timedelta, timezone
from typing import Any

from documents.catalogue import CatalogueReport
from documents.cleaning import CleaningReport
from documents.comparison import Candidate, ComparisonReport
from documents.data_gate import DataGateReport, FoundAnomaly
from documents.evaluation import EvaluationReport
from documents.event_statistics import EventStatistics, PositionCounts
from documents.metrics import TrainingMetrics
from documents.replay_rounds import Round, RoundOutcome
from documents.serving_check import ServingCheckReport
from documents.warm_start import WarmStartReport
from pipeline.report.facts import Part, RunFacts
from pipeline.store.runs.records import ArtifactRef, NodeExecution, NodeState, Run
from tests.documents.samples import RETRAINING, changed, made

START = datetime(2026, 11, 21, 14, 0, tzinfo=timezone.utc)
KS = (1, 5, 10, 20, 50, 100)
HOSTILE = "<script>alert('title')</script> & \"friends\""
"""A title that is difficult to show, as a shop's catalogue may hold it."""

_GROWTH = {1: 0.16, 5: 0.62, 10: 1.0, 20: 1.5, 50: 2.4, 100: 3.4}

_DAG: list[tuple[str, float, dict[str, str], list[str]]] = [
    ("LatestBlessedModel", 0.1, {"model": "Model"}, []),
    ("InteractionGen", 0.8, {"examples": "Examples"}, []),
    ("CatalogueGen", 0.2, {"examples": "Examples"}, ["InteractionGen"]),
    ("InteractionsStatisticsGen", 3.3, {"statistics": "ExampleStatistics"}, ["InteractionGen"]),
    ("InteractionsSchemaGen", 0.1, {"schema": "Schema"}, []),
    ("CatalogueStatisticsGen", 2.0, {"statistics": "ExampleStatistics"}, ["CatalogueGen"]),
    ("CatalogueSchemaGen", 0.1, {"schema": "Schema"}, []),
    (
        "InteractionsExampleValidator",
        0.1,
        {"anomalies": "ExampleAnomalies"},
        ["InteractionsStatisticsGen", "InteractionsSchemaGen"],
    ),
    (
        "CatalogueExampleValidator",
        0.1,
        {"anomalies": "ExampleAnomalies"},
        ["CatalogueStatisticsGen", "CatalogueSchemaGen"],
    ),
    (
        "DataGate",
        0.2,
        {"blessing": "pipeline.DataBlessing"},
        ["InteractionsExampleValidator", "CatalogueExampleValidator", "LatestBlessedModel", "InteractionGen"],
    ),
    ("InteractionTransform", 8.3, {"transform_graph": "TransformGraph"}, ["InteractionGen", "InteractionsSchemaGen"]),
    ("CatalogueTransform", 9.9, {"transform_graph": "TransformGraph"}, ["CatalogueGen", "CatalogueSchemaGen"]),
    (
        "Trainer",
        13.0,
        {"model": "Model", "model_run": "ModelRun"},
        ["InteractionTransform", "CatalogueTransform", "DataGate", "LatestBlessedModel"],
    ),
    (
        "RetrievalEvaluator",
        4.1,
        {"evaluation": "ModelEvaluation", "blessing": "ModelBlessing"},
        ["Trainer", "InteractionGen", "LatestBlessedModel"],
    ),
    ("ServingCheck", 5.2, {"blessing": "InfraBlessing"}, ["Trainer"]),
    ("Pusher", 0.1, {"pushed_model": "PushedModel"}, ["Trainer", "RetrievalEvaluator", "ServingCheck"]),
    ("RunReport", 1.3, {"report": "system.HTML"}, ["RetrievalEvaluator", "Pusher"]),
]


def run(number: int = 4, *, cached: tuple[str, ...] = (), failed: str | None = None, error: str = "") -> Run:
    """Makes a run of the whole pipeline, or of the part up to the component that failed."""
    nodes: list[NodeExecution] = []
    made: dict[str, tuple[ArtifactRef, ...]] = {}
    began = START
    for node_id, seconds, outputs, parents in _DAG:
        state: NodeState = "failed" if node_id == failed else "cached" if node_id in cached else "complete"
        refs: dict[str, tuple[ArtifactRef, ...]] = {}
        for key, type_ in {} if state == "failed" else outputs.items():
            id_ = 1 + sum(map(len, made.values())) + len(refs)
            refs[key] = (ArtifactRef(id_, type_, f"gs://bucket/{node_id}/{key}/{id_}", {}, "LIVE"),)
        nodes.append(
            NodeExecution(
                node_id=node_id,
                state=state,
                started=began,
                seconds=0.02 if state == "cached" else seconds,
                inputs={parent: made[parent] for parent in parents},
                outputs=refs,
                properties={},
                error=error if state == "failed" else None,
            )
        )
        made[node_id] = tuple(ref for of_key in refs.values() for ref in of_key)
        began += timedelta(seconds=seconds)
        if state == "failed":
            break
    return Run(number, "2026-11-21T14:00:00", START, "failed" if failed else "succeeded", tuple(nodes))


def measure(value: float, spread: float = 0.09) -> dict[str, float]:
    return {"value": value, "low": value * (1 - spread), "high": value * (1 + spread)}


def _metrics(hit_rate: float, coverage: float, popularity: float) -> dict[str, Any]:
    metrics = {}
    for family, factor in (("recall", 1.0), ("ndcg", 0.51), ("hit_rate", 1.0)):
        for k in KS:
            grown = _GROWTH[k] if family != "ndcg" else (_GROWTH[k] ** 0.5 if k > 10 else _GROWTH[k] ** 0.7)
            metrics[f"{family}@{k}"] = measure(hit_rate * factor * grown)
    metrics["mrr"] = measure(hit_rate * 0.42)
    metrics["coverage@10"] = measure(coverage, 0.03)
    metrics["gini@10"] = measure(1 - coverage * 0.7, 0.01)
    metrics["mean_popularity@10"] = measure(popularity, 0.02)
    metrics["novelty@10"] = measure(12 - 1000 * popularity, 0.02)
    return metrics


def _contender(hit_rate: float, coverage: float, popularity: float) -> dict[str, Any]:
    def slice_(users: int, factor: float) -> dict[str, Any]:
        found = measure(hit_rate * factor, min(0.9, 3 / users**0.5))
        return {"users": users, "metrics": {"recall@10": found, "ndcg@10": {k: v / 2 for k, v in found.items()}}}

    return {
        "metrics": _metrics(hit_rate, coverage, popularity),
        "slices": {
            "user_activity": {"1-4": slice_(40, 1.3), "5-19": slice_(268, 1.25), "20+": slice_(634, 0.87)},
            "target_popularity": {"head": slice_(402, 1.9), "torso": slice_(380, 0.42), "tail": slice_(160, 0.07)},
            "user": {"known": slice_(937, 1.0), "unknown": slice_(5, 0.5)},
            "target": {"with events": slice_(933, 1.01), "without events": slice_(9, 0.01)},
        },
    }


def evaluation(*, first: bool = False, hit_rate: float = 0.175) -> EvaluationReport:
    contenders = {
        "model": _contender(hit_rate, 0.41, 0.0021),
        "popularity": _contender(0.059, 0.05, 0.0046),
        "item_item": _contender(0.132, 0.28, 0.0030),
        "last_blessed": _contender(0.168, 0.40, 0.0022),
    }
    if first:
        del contenders["last_blessed"]
    differences = {
        name: {
            metric: {
                "value": (d := mine["value"] - other["metrics"][metric]["value"]),
                "low": d - 0.011,
                "high": d + 0.011,
            }
            for metric, mine in contenders["model"]["metrics"].items()
        }
        for name, other in contenders.items()
        if name != "model"
    }
    blessed = hit_rate > 0.15

    def rule(name: str, passed: bool, metric: str | None, value: float, limit: float, detail: str) -> Any:
        interval = {"low": value - 0.011 if metric else None, "high": value + 0.011 if metric else None}
        return {
            "rule": name,
            "passed": passed,
            "metric": metric,
            "value": value,
            "limit": limit,
            **interval,
            "detail": detail,
        }

    behind = differences.get("last_blessed", {}).get("ndcg@10", {"value": 0.01})["value"]
    rules = [
        rule("floor", True, "ndcg@10", hit_rate * 0.51, 0.01, "ndcg@10 is at least 0.01."),
        rule("minimum_users", True, None, 942, 100, "942 users were evaluated, at least 100 must be."),
        rule(
            "better_than_popularity",
            True,
            "ndcg@10",
            differences["popularity"]["ndcg@10"]["value"],
            0.0,
            "The interval of the difference from popularity is clear of zero.",
        ),
        rule("coverage", True, "coverage@10", 0.41, 0.05, "41 % of the catalogue is recommended to somebody."),
    ]
    if not first:
        word = "not " if blessed else ""
        detail = f"The model is {word}worse than the last blessed one by more than 0.005 in ndcg@10."
        rules.append(rule("not_worse_than_last_blessed", blessed, "ndcg@10", behind, -0.005, detail))
    films = ["Star Wars (1977)", "Return of the Jedi (1983)", "Fargo (1996)", HOSTILE, "Godfather, The (1972)"]
    films += [
        "Toy Story (1995)",
        "Twelve Monkeys (1995)",
        "Mr. Holland's Opus (1995)",
        "Liar Liar (1997)",
        "Se7en (1995)",
    ]
    items = [{"item_id": str(n), "title": title, "score": 0.92 - 0.043 * n} for n, title in enumerate(films)]
    recommended = [{**item, "is_target": item["item_id"] == "2"} for item in items]
    values = {
        "users": {
            "evaluated": 942,
            "before_cut": 942,
            "targets": 942,
            "targets_met": 0,
            "targets_outside_catalogue": 3,
        },
        "settings": {},
        "gate": {},
        "leave_out": "everything",
        "contenders": contenders,
        "differences": differences,
        "neighbour_stability": None if first else {"mean_jaccard@10": 0.71, "items": 1430},
        "decision": {"blessed": blessed, "rules": rules},
        "samples": {
            "recommendations": [
                {"known_user": n != 2, "history": items[5:9], "recommended": recommended, "targets": [items[2]]}
                for n in range(3)
            ],
            "neighbours": [
                {"item_id": item["item_id"], "title": item["title"], "similar": items[:n] + items[n + 1 :]}
                for n, item in enumerate(items[:6])
            ],
        },
        "models": {"model": {"uri": "gs://bucket/model", "digest": "0" * 64}},
        "seconds": {"all": 4.1},
    }
    return made(EvaluationReport, values)


_CLEANING = {
    "files": 1,
    "files_without_rows": [],
    "rows": 100_000,
    "bad_rows": 37,
    "bad_rows_by_reason": {"too few columns": 12, "timestamp is not a number": 25},
    "bad_rows_by_file": {"ratings.tsv": {"too few columns": 12, "timestamp is not a number": 25}},
    "oldest_timestamp": 874_724_710,
    "newest_timestamp": 893_286_638,
    "recent_days": {"events": [400, 500], "users": [20, 30], "items": [200, 300]},
    "steps": [
        {"step": "window", "in": 99_963, "out": 99_963},
        {"step": "deduplicate", "in": 99_963, "out": 99_910},
        {"step": "positives", "in": 99_910, "out": 55_375},
        {"step": "top_items", "in": 55_375, "out": 55_375},
        {"step": "active_users", "in": 55_375, "out": 55_374},
    ],
    "splits": {
        "train": {"users": 942, "interactions": 54_433, "items": 1430},
        "eval": {"users": 942, "interactions": 942, "items": 400},
    },
}
CLEANING = made(CleaningReport, _CLEANING)

EVENTS = EventStatistics(
    positions=(
        PositionCounts(version=1795269697, position=0, shown=4321, view=432, basket=43, purchase=12),
        PositionCounts(version=1795269697, position=1, shown=4310, view=301, basket=21, purchase=9),
        PositionCounts(version=1795183297, position=0, shown=2000, view=100, rating=1),
    )
)

_CATALOGUE = {
    "files": 1,
    "files_without_rows": [],
    "rows": 1682,
    "bad_rows": 0,
    "bad_rows_by_reason": {},
    "bad_rows_by_file": {},
    "items": 1682,
    "untitled_items": 1,
    "interacted_items": 1430,
    "added_items": 0,
    "filled": {"genres": 1681, "title_words": 1682},
}
CATALOGUE = made(CatalogueReport, _CATALOGUE)

_DATA_GATE = {
    "checked": ["interactions/train", "interactions/eval", "catalogue/train"],
    "ignored": [],
    "checks": [
        {
            "check": "drift",
            "data": "interactions",
            "split": "train",
            "feature": "value",
            "measure": "jensen_shannon_divergence",
            "value": 0.0123,
            "limit": 0.1,
            "passed": True,
            "detail": "The distribution moved little.",
        },
        {
            "check": "growth",
            "data": "catalogue",
            "split": "train",
            "feature": "",
            "measure": "items",
            "value": 0.02,
            "limit": 0.5,
            "passed": True,
            "detail": "1,682 items, 1,649 last time.",
        },
    ],
    "counts": {
        "events": 54_433,
        "users": 942,
        "items": 1430,
        "catalogue_items": 1682,
        "oldest_timestamp": 874_724_710,
        "newest_timestamp": 893_286_638,
        "events_per_day": 450.0,
        "users_per_day": 25.0,
        "items_per_day": 250.0,
    },
    "compared_with": "gs://bucket/model/11",
    "not_compared_because": None,
}
DATA_GATE = made(DataGateReport, _DATA_GATE)

_TRAINING = {
    "epochs": [
        {
            "epoch": n + 1,
            "loss": loss,
            "train_seconds": 0.7,
            "seconds": 0.8,
            "recall@10": recall,
            "ndcg@10": recall / 2,
            "recall@100": 3.4 * recall,
            "ndcg@100": recall,
        }
        for n, (loss, recall) in enumerate(
            zip(
                (6.693, 6.31, 6.11, 6.0, 5.93, 5.88, 5.85, 5.822),
                (0.110, 0.139, 0.155, 0.163, 0.168, 0.170, 0.172, 0.171),
                strict=True,
            )
        )
    ],
    "popularity": {"recall@10": 0.059, "ndcg@10": 0.029, "recall@100": 0.276, "ndcg@100": 0.07},
    "model": {"recall@10": 0.171, "ndcg@10": 0.0855, "recall@100": 0.58, "ndcg@100": 0.171},
    "evaluated": {
        "users": 942,
        "users_before_cut": 942,
        "targets": 942,
        "targets_met": 0,
        "targets_outside_catalogue": 3,
    },
}
_CHOICE = {
    "settings": {"epochs": 8},
    "epochs": _TRAINING["epochs"],
    "model": _TRAINING["model"],
    "popularity": _TRAINING["popularity"],
    "evaluated": _TRAINING["evaluated"],
    "is_trained_again": True,
}
TRAINING = made(TrainingMetrics, {**_TRAINING, "seconds": 13.4, "peak_mib": 1483.5, "choice": _CHOICE})

_WARM_START = {
    "base_model": "gs://bucket/model/11",
    "cold_start_because": None,
    "epochs": 4,
    "unchanged": False,
    "tables": {
        "item_embedding": {"carried": 1391, "new": 39, "dropped": 8},
        "user_embedding": {"carried": 871, "new": 71, "dropped": 0},
        "content_genres_embedding": {"carried": 19, "new": 0, "dropped": 0},
    },
}
WARM_START = made(WarmStartReport, _WARM_START)

_SERVING_CHECK = {
    "blessed": True,
    "failures": [],
    "load_seconds": 1.31,
    "peak_rss_mib": 612.4,
    "signatures": {
        name: {"requests": 8, "max_difference": 1.2e-7, "latency_ms": {"p50": p50, "p95": p50 * 1.6, "max": p50 * 2.5}}
        for name, p50 in (
            ("serving_default", 2.4),
            ("recommend", 2.1),
            ("embed_items", 0.6),
            ("embed_item_indices", 0.5),
            ("embed_users", 1.1),
            ("similar_items", 1.4),
            ("catalogue", 0.4),
        )
    },
    "limits": {},
}
SERVING_CHECK = made(ServingCheckReport, _SERVING_CHECK)

_PUSHED = {"pushed": 1, "pushed_destination": "gs://bucket/serving/1795269697", "pushed_version": "1795269697"}


def pushed() -> RunFacts:
    """A run whose data and schema came from the cache, and whose model was pushed."""
    this_run = run(cached=("InteractionsSchemaGen", "CatalogueGen", "CatalogueStatisticsGen", "CatalogueSchemaGen"))
    parts = {
        "model": Part("gs://bucket/Trainer/model/17"),
        "pushed_model": Part("gs://bucket/Pusher/pushed_model/22", _PUSHED),
    }
    return RunFacts(
        pipeline="movielens-100k",
        run=this_run,
        parts=parts,
        cleaning=CLEANING,
        events=EVENTS,
        catalogue=CATALOGUE,
        anomalies=(),
        data_gate=DATA_GATE,
        training=TRAINING,
        warm_start=WARM_START,
        evaluation=evaluation(),
        comparison=comparison(),
        retraining=RETRAINING,
        serving_check=SERVING_CHECK,
    )


def comparison() -> ComparisonReport:
    """A comparison of three candidates, one of which cannot be chosen."""
    measured = evaluation()
    figure = measured.differences["popularity"]["ndcg@10"]
    cost: dict[str, Any] = {
        "settings": {},
        "chosen": {"epochs": 8},
        "export_mib": 1.54,
        "latency_ms": 1.16,
        "peak_mib": 1483.5,
    }
    judged: dict[str, Any] = {
        "evaluation": measured.contenders["model"],
        "decision": measured.decision,
        "validation": figure,
    }
    return ComparisonReport(
        metric="ndcg@100",
        validation_users=942,
        users=measured.users,
        candidates=(
            Candidate(name="towers", seconds=120.5, behind=None, fault=None, **judged, **cost),
            Candidate(name="neighbours", seconds=1.5, behind=figure, fault=None, **judged, **cost),
            Candidate(
                name=HOSTILE,
                seconds=0.01,
                behind=None,
                fault="ServingCheck refused it",
                **{**judged, "validation": None, "evaluation": None, "decision": None},
                **cost,
            ),
        ),
        winner="towers",
        reason="towers is better than every other candidate.",
        differences={"neighbours": {"ndcg@10": figure}, "baseline popularity": {"ndcg@10": figure}},
        baselines={"popularity": measured.contenders["popularity"]},
    )


def refused() -> RunFacts:
    """A run whose model is worse than the last blessed one."""
    parts = {"pushed_model": Part("gs://bucket/Pusher/pushed_model/22", {"pushed": 0})}
    return dataclasses.replace(pushed(), evaluation=evaluation(hit_rate=0.121), parts=parts)


def first() -> RunFacts:
    """A first run, without a model to compare with."""
    return dataclasses.replace(
        pushed(),
        evaluation=evaluation(first=True),
        data_gate=changed(
            DATA_GATE, checks=[], compared_with=None, not_compared_because="there is no blessed model yet"
        ),
        warm_start=changed(WARM_START, base_model=None, cold_start_because="no model was blessed", tables={}),
    )


def handed_on() -> RunFacts:
    """A run without anything new: the last blessed model, and the training records of its run."""
    tables = {
        name: {"carried": rows.carried + rows.new + rows.dropped, "new": 0, "dropped": 0}
        for name, rows in WARM_START.tables.items()
    }
    return dataclasses.replace(pushed(), warm_start=changed(WARM_START, epochs=0, unchanged=True, tables=tables))


def failed() -> RunFacts:
    """A run that DataGate stopped."""
    error = (
        "DataGate stopped the run: 1 anomaly(ies) between the data and its schema.\n"
        "  interactions/train value: ENUM_TYPE_UNEXPECTED_STRING_VALUES: Unexpected string values: <b>.\n"
        "Fix the data or the curated schema, or list the anomaly in data_gate.ignore_anomalies."
    )
    return RunFacts(
        pipeline="movielens-100k",
        run=run(failed="DataGate", error=error),
        cleaning=CLEANING,
        catalogue=CATALOGUE,
        anomalies=(anomaly("train", "value", "OUT_OF_RANGE", "Unexpectedly large values: 7 > 5 (max)."),),
    )


def anomaly(split: str, feature: str, name: str, description: str) -> FoundAnomaly:
    """An anomaly of the interactions, as the report finds it."""
    return FoundAnomaly(
        data="interactions", split=split, feature=feature, anomaly=name, description=description, ignored=False
    )


def rounds() -> list[Round]:
    """A replay of ten rounds, like that of MovieTweetings: most pushed, two refused, one stopped by DataGate."""
    refused = (
        "ndcg@10 is 0.0861, popularity's 0.0853; the interval of the difference, -0.0042 to 0.0058, is not above 0."
    )
    stopped = (
        "DriftError: DataGate stopped the run: 1 of 14 checks of today's data fail.\n"
        "  drift of interactions: item_id: jensen_shannon_divergence is 0.213; data_gate.max_item_divergence is 0.17.\n"
        "Compared with /home/anna/runs/replay/movietweetings/artifacts/Trainer/model/212; "
        "the served model has not changed."
    )
    found = []
    for n, hit_rate in enumerate((0.108, 0.153, 0.173, 0.207, 0.241, None, 0.250, 0.234, 0.213, 0.209), 1):
        outcome: RoundOutcome = "stopped" if hit_rate is None else "refused" if n in (1, 4) else "pushed"
        others = {"model": 1.0, "popularity": 0.75, "item_item": 0.6, **({"last_blessed": 0.93} if n > 2 else {})}
        found.append(
            Round(
                number=n,
                events=10_000 * n,
                newest=1_362_062_307 + 86_400 * n,
                outcome=outcome,
                reason={"pushed": "", "refused": refused, "stopped": stopped}[outcome],
                version=str(1_795_276_265 + 90 * n) if outcome == "pushed" else None,
                warm=n > 2,
                metrics={
                    name: {
                        "hit_rate@10": share * hit_rate,
                        "ndcg@10": share * hit_rate / 2,
                        "recall@100": 2.4 * share * hit_rate,
                    }
                    for name, share in others.items()
                }
                if hit_rate is not None
                else {},
                train_seconds=None if hit_rate is None else 5.0 + n,
                seconds=9.4 if hit_rate is None else 60.0 + 4 * n,
            )
        )
    return found
