"""What of a comparison is recorded in MLflow."""

from pipeline.components.model_comparison.tracking.runs import run_of_candidate, run_of_comparison
from tests.documents.samples import changed
from tests.pipeline.components.model_comparison.tracking.comparisons import FAULTY, ORIGIN, REPORT, WINNER


def test_run_of_the_comparison_has_winner_reason_origin_and_the_metrics_of_winner_and_baselines() -> None:
    assert run_of_comparison(REPORT, ORIGIN) == {
        "name": "comparison of shop",
        "tags": {
            "pipeline": "shop",
            "winner": "towers",
            "reason": "towers is better than every other candidate.",
            "config_digest": "c0",
            "code_digest": "c1",
            "data_digest": "d0",
        },
        "params": {"metric": "ndcg@100"},
        "metrics": {
            "users": 400.0,
            "validation_users": 300.0,
            "ndcg_at_10": 0.1,
            "low/ndcg_at_10": 0.09,
            "high/ndcg_at_10": 0.11,
            "popularity/ndcg_at_10": 0.04,
        },
    }


def test_run_of_a_comparison_of_unknown_origin_has_no_empty_tags() -> None:
    run = run_of_comparison(changed(REPORT, winner="factors"), changed(ORIGIN, pipeline=None, data_digest=None))
    assert run["name"] == "comparison"
    assert set(run["tags"]) == {"winner", "reason", "config_digest", "code_digest"}
    assert "ndcg_at_10" not in run["metrics"]


def test_run_of_a_candidate_has_its_settings_by_path_its_costs_its_metrics_and_the_decision() -> None:
    assert run_of_candidate(WINNER) == {
        "name": "towers",
        "tags": {"candidate": "towers"},
        "params": {
            "kind": "two_tower",
            "epochs": "8",
            "own_table": "true",
            "limits.low": "null",
            "limits.high": "0.5",
            "k": "[10, 100]",
            "chosen.epochs": "5",
        },
        "metrics": {
            "seconds": 12.5,
            "peak_mib": 900.0,
            "export_mib": 1.5,
            "latency_ms": 0.75,
            "validation": 0.2,
            "low/validation": 0.18,
            "high/validation": 0.22,
            "ndcg_at_10": 0.1,
            "low/ndcg_at_10": 0.09,
            "high/ndcg_at_10": 0.11,
            "blessed": 1.0,
        },
    }


def test_run_of_a_candidate_that_was_not_measured_says_why() -> None:
    run = run_of_candidate(FAULTY)
    assert run["tags"] == {
        "candidate": "factors",
        "refused_by": "serves",
        "fault": "ServingCheck refused it: too slow",
    }
    assert run["metrics"] == {
        "export_mib": 2.0,
        "behind": 0.01,
        "low/behind": -0.01,
        "high/behind": 0.03,
        "blessed": 0.0,
    }
