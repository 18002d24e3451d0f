"""A comparison of two candidates, for tests."""

from documents.comparison import Candidate, ComparisonReport
from documents.evaluation import ContenderMeasurements, Decision, EvaluatedUsers, Rule
from documents.provenance import Provenance
from tests.documents.samples import measured

ORIGIN = Provenance(pipeline="shop", config_digest="c0", code_digest="c1", data_digest="d0")

WINNER = Candidate(
    name="towers",
    settings={
        "kind": "two_tower",
        "epochs": 8,
        "own_table": True,
        "limits": {"low": None, "high": 0.5},
        "k": [10, 100],
    },
    chosen={"epochs": 5},
    seconds=12.5,
    peak_mib=900.0,
    export_mib=1.5,
    latency_ms=0.75,
    validation=measured(0.2, 0.18, 0.22),
    behind=None,
    fault=None,
    evaluation=ContenderMeasurements(metrics={"ndcg@10": measured(0.1, 0.09, 0.11)}, slices={}),
    decision=Decision(blessed=True, rules=()),
)

FAULTY = Candidate(
    name="factors",
    settings={"kind": "ials"},
    chosen={},
    seconds=None,
    peak_mib=None,
    export_mib=2.0,
    latency_ms=None,
    validation=measured(None),
    behind=measured(0.01, -0.01, 0.03),
    fault="ServingCheck refused it: too slow",
    evaluation=None,
    decision=Decision(
        blessed=False,
        rules=(
            Rule(
                rule="serves",
                passed=False,
                detail="Too slow.",
                metric=None,
                value=None,
                limit=None,
                low=None,
                high=None,
            ),
        ),
    ),
)

REPORT = ComparisonReport(
    metric="ndcg@100",
    validation_users=300,
    users=EvaluatedUsers(evaluated=400, before_cut=400, targets=400, targets_met=0, targets_outside_catalogue=0),
    candidates=(WINNER, FAULTY),
    winner="towers",
    reason="towers is better than every other candidate.",
    differences={},
    baselines={"popularity": ContenderMeasurements(metrics={"ndcg@10": measured(0.04, None, None)}, slices={})},
)
