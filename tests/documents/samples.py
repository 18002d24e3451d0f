"""Makes a small, complete document of each kind, and documents that differ in some fields."""

import json
from typing import Any, TypeVar

from documents.catalogue import CatalogueReport
from documents.cleaning import CleaningReport, DailyCounts, SplitCounts, Step
from documents.comparison import Candidate, ComparisonReport
from documents.data_gate import Counts, DataGateReport, DriftCheck, FoundAnomaly
from documents.document import Document, Values
from documents.evaluation import (
    MODEL,
    POPULARITY,
    ContenderMeasurements,
    Decision,
    EvaluatedModel,
    EvaluatedUsers,
    EvaluationReport,
    Item,
    Measurement,
    RecommendedItem,
    Rule,
    SampledItem,
    SampledUser,
    Samples,
    ScoredItem,
    SliceMeasurements,
    Stability,
)
from documents.event_statistics import EventStatistics, PositionCounts
from documents.metrics import Choice, Epoch, HeldOutCounts, TrainingMetrics
from documents.provenance import FinalMetrics, Provenance, Start
from documents.push_record import PushRecord
from documents.push_report import PushReport
from documents.registry import RegistryReport
from documents.replay_rounds import PUSHED, ReplayRounds, Round
from documents.retraining import NewestTargets, RetrainingReport, RetrainingRule
from documents.service_data import Histories, ServiceData
from documents.serving_check import Latency, ServingCheckReport, SignatureCheck
from documents.serving_requests import NumberTensor, ServingRequests, SignatureKinds, StoredRequest, StringTensor
from documents.tuning import NewestTuning, Trial, TuningReport
from documents.validation import ValidationReport
from documents.warm_start import TableRows, WarmStartReport
from documents.warm_state import WarmStateDescription
from documents.withdrawn import Withdrawn, WithdrawnModel

V = TypeVar("V", bound=Values)


def made(kind: type[V], values: Any) -> V:
    """Makes a document from JSON values, with the names of the file; it is validated as if it were read."""
    return kind.model_validate_json(json.dumps(values))


def changed(document: V, **fields: Any) -> V:
    """A document that differs in some fields, given as JSON values under the names of the file; checked as if read."""
    return made(type(document), document.model_dump(by_alias=True) | fields)


def measured(value: float | None, low: float | None = None, high: float | None = None) -> Measurement:
    return Measurement(value=value, low=low, high=high)


CLEANING = CleaningReport(
    files=1,
    files_without_rows=(),
    rows=100,
    bad_rows=1,
    bad_rows_by_reason={"is empty": 1},
    bad_rows_by_file={"log.csv": {"is empty": 1}},
    oldest_timestamp=1_000_000_000,
    newest_timestamp=1_000_000_100,
    recent_days=DailyCounts(events=(40, 59), users=(7, 8), items=(5, 6)),
    steps=(Step(step="window", rows_in=99, rows_out=98),),
    splits={
        "train": SplitCounts(users=9, interactions=88, items=7),
        "eval": SplitCounts(users=8, interactions=10, items=6),
    },
)

EVENTS = EventStatistics(positions=(PositionCounts(version=7, position=0, shown=40, view=4, purchase=1),))

CATALOGUE = CatalogueReport(
    files=1,
    files_without_rows=(),
    rows=8,
    bad_rows=0,
    bad_rows_by_reason={},
    bad_rows_by_file={},
    items=9,
    untitled_items=1,
    interacted_items=7,
    added_items=1,
    filled={"genres": 8},
)

DATA_GATE = DataGateReport(
    checked=("interactions/train",),
    ignored=(
        FoundAnomaly(
            data="interactions", split="train", feature="v", anomaly="OUT_OF_RANGE", description="7", ignored=True
        ),
    ),
    checks=(
        DriftCheck(
            check="count", data="interactions", split="", feature="users", measure="min_ratio", value=1.5, limit=0.5,
            passed=True, detail="Users: 9 today.",
        ),
    ),
    counts=Counts(
        events=88, users=9, items=7, catalogue_items=8, oldest_timestamp=None, newest_timestamp=None,
        events_per_day=None, users_per_day=None, items_per_day=2.5,
    ),
    compared_with=None,
    not_compared_because="there is no blessed model yet",
)  # fmt: skip

METRICS = TrainingMetrics(
    epochs=(Epoch(epoch=1, loss=6.5, train_seconds=1.0, seconds=1.5, **{"recall@10": 0.1}),),  # type: ignore[arg-type]  # a name that no argument can have
    model={"recall@10": 0.1},
    popularity={"recall@10": 0.05},
    evaluated=HeldOutCounts(users=8, users_before_cut=8, targets=10, targets_met=0, targets_outside_catalogue=1),
    seconds=2.5,
    peak_mib=None,
    choice=Choice(
        settings={"epochs": 1},
        epochs=(),
        model={"recall@10": 0.2},
        popularity={"recall@10": 0.1},
        evaluated=HeldOutCounts(users=4, users_before_cut=4, targets=4, targets_met=0, targets_outside_catalogue=0),
        is_trained_again=True,
    ),
)

VALIDATION = ValidationReport(by_user={"ndcg@10": (0.0, 0.5, 1.0)})

WARM_START = WarmStartReport(
    base_model=None,
    cold_start_because="there is no blessed model yet",
    epochs=4,
    unchanged=False,
    tables={"item_embedding": TableRows(carried=5, new=2, dropped=1)},
)

WARM_STATE = WarmStateDescription(
    architecture="two towers",
    tables=("item_embedding",),
    arrays=("history_projection",),
    tables_sha256="0" * 64,
    metrics=METRICS,
    model_digest="1" * 64,
)

_FIGURES = ContenderMeasurements(
    metrics={"recall@10": measured(0.3, 0.28, 0.32), "mrr": measured(None)},
    slices={"user": {"known": SliceMeasurements(users=8, metrics={"recall@10": measured(0.3, 0.2, 0.4)})}},
)

EVALUATION = EvaluationReport(
    users=EvaluatedUsers(evaluated=8, before_cut=8, targets=10, targets_met=0, targets_outside_catalogue=1),
    settings={"seed": 0},
    gate={"min_users": 1},
    leave_out="everything",
    contenders={MODEL: _FIGURES, POPULARITY: _FIGURES},
    differences={POPULARITY: {"recall@10": measured(0.0, -0.1, 0.1)}},
    samples=Samples(
        recommendations=(
            SampledUser(
                known_user=True,
                history=(Item(item_id="1", title="Fargo"),),
                recommended=(RecommendedItem(item_id="2", title="Alien", score=0.9, is_target=True),),
                targets=(Item(item_id="2", title="Alien"),),
            ),
        ),
        neighbours=(
            SampledItem(item_id="1", title="Fargo", similar=(ScoredItem(item_id="2", title="Alien", score=None),)),
        ),
    ),
    models={MODEL: EvaluatedModel(uri="gs://bucket/model", digest="1" * 64)},
    neighbour_stability=Stability(mean_jaccard=0.7, items=7),
    decision=Decision(
        blessed=False,
        rules=(
            Rule(
                rule="floor", passed=True, detail="High.", metric="recall@10", value=0.3, limit=0.1, low=None, high=None
            ),
            Rule(rule="worse", passed=False, detail="Worse.", metric=None, value=None, limit=None, low=None, high=None),
        ),
    ),
    seconds={"total": 4.1},
)

SERVING_CHECK = ServingCheckReport(
    blessed=True,
    failures=(),
    load_seconds=1.3,
    signatures={
        "recommend": SignatureCheck(requests=5, max_difference=1e-7, latency_ms=Latency(p50=2.0, p95=3.0, max=4.0))
    },
    peak_rss_mib=612.4,
    limits={"tolerance": 1e-4},
)

SERVING_REQUESTS = ServingRequests(
    signatures={"embed_items": SignatureKinds(inputs={"item_id": "string"}, outputs={"known": "bool"})},
    requests=(
        StoredRequest(
            signature="embed_items",
            name="one",
            edge=False,
            inputs={"item_id": StringTensor(shape=(1,), values=("aTE=",))},
            outputs={"known": NumberTensor(dtype="bool", shape=(1,), data="AQ==")},
        ),
    ),
)

PUSH_REPORT = PushReport(
    pushed=True, reason="pushed", version=1000, is_new=True, destination="serving/1000", model_digest="1" * 64
)

PUSH_RECORD = PushRecord(model_digest="1" * 64, pushed_at="2026-01-01T00:00:00+00:00", source="artifacts/model")

REGISTRY = RegistryReport(
    registered=True, model="projects/p/models/m@2", version=2, is_new=True, previous_version=1, traffic={"2": 100}
)

PROVENANCE = Provenance(
    pipeline="shop",
    config_digest="c",
    code_digest="d",
    data_digest="e",
    counts={"items": 9},
    metrics=FinalMetrics(model={"recall@10": 0.1}, popularity={"recall@10": 0.05}),
    versions={"python": "3.12.1"},
    base_model=Start(warm=True, data_digest="f", carried={"item_embedding": 5}),
)

REPLAY_ROUNDS = ReplayRounds(
    rounds=(
        Round(
            number=1,
            events=1000,
            newest=1_700_000_000,
            outcome=PUSHED,
            reason="",
            version="1000",
            warm=False,
            metrics={"model": {"hit_rate@10": 0.2, "ndcg@10": None}},
            train_seconds=2.5,
            seconds=30.1,
        ),
    )
)

SERVICE_DATA = ServiceData(
    items=3,
    features={"genres": "category", "year": "number"},
    is_timed=True,
    histories=Histories(users=8, max_items=50),
    events_export=4,
    metrics={MODEL: {"recall@10": measured(0.3, 0.2, 0.4)}},
    decision=EVALUATION.decision,
)

WITHDRAWN = Withdrawn(models={"1" * 64: WithdrawnModel(version=1000, at="2026-01-01T00:00:00+00:00")})

TUNING = TuningReport(
    kind="ials",
    metric="ndcg@100",
    users=8,
    trials=(
        Trial(number=1, origin="config", values={"embedding_dim": 64}, state="complete", score=0.1, seconds=1.5),
        Trial(number=2, origin="space", values={"embedding_dim": 32}, state="stopped", score=None, seconds=0.5),
    ),
    best=1,
    difference=None,
    is_taken=False,
    seconds=2.0,
)

RETRAINING = RetrainingReport(
    is_due=True,
    because=("the newest event is 9.0 days newer than what the model learned; retraining.max_age_days allows 7 days",),
    rules=(
        RetrainingRule(
            rule="max_age_days",
            value=9.0,
            limit=7.0,
            is_due=True,
            detail="the newest event is 9.0 days newer than what the model learned; retraining.max_age_days allows 7 "
            "days",
        ),
        RetrainingRule(
            rule="max_new_items",
            value=0.02,
            limit=0.1,
            is_due=False,
            detail="2.0% of the items in today's interactions are new to the model; retraining.max_new_items allows "
            "10.0%",
        ),
    ),
    newest=NewestTargets(
        users=412,
        metric="ndcg@10",
        model=measured(0.081, 0.066, 0.096),
        popularity=measured(0.031, 0.022, 0.041),
        learned=0.089,
    ),
)
NEWEST_TUNING = NewestTuning(uri="artifacts/hyperparameters", searched=1_700_000_000)

COMPARISON = ComparisonReport(
    metric="ndcg@100",
    validation_users=8,
    users=EVALUATION.users,
    candidates=(
        Candidate(
            name="counts",
            settings={"kind": "item_item"},
            chosen={},
            seconds=1.5,
            peak_mib=None,
            export_mib=2.5,
            latency_ms=1.5,
            validation=measured(0.3, 0.28, 0.32),
            behind=None,
            fault=None,
            evaluation=_FIGURES,
            decision=EVALUATION.decision,
        ),
    ),
    winner="counts",
    reason="counts is the only candidate that can be chosen.",
    differences={"baseline popularity": {"recall@10": measured(0.0, -0.1, 0.1)}},
    baselines={POPULARITY: _FIGURES},
)

DOCUMENTS: tuple[Document, ...] = (
    CLEANING,
    EVENTS,
    CATALOGUE,
    DATA_GATE,
    METRICS,
    WARM_START,
    WARM_STATE,
    EVALUATION,
    SERVING_CHECK,
    SERVING_REQUESTS,
    PUSH_REPORT,
    PUSH_RECORD,
    REGISTRY,
    PROVENANCE,
    SERVICE_DATA,
    WITHDRAWN,
    VALIDATION,
    COMPARISON,
    REPLAY_ROUNDS,
    RETRAINING,
    TUNING,
    NEWEST_TUNING,
)
