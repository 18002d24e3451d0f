"""Flattens an evaluation to numbers on an artifact, which user interfaces show and queries filter by.

Vertex and Kubeflow Pipelines show the metadata of a `system.Metrics` beside its task, and compare it between runs. The
keys match `[a-z][a-z0-9_]*`, so that filters of Vertex ML Metadata and CEL conditions take them without quotes, as in
`metadata.ndcg_at_10.number_value > 0.3`.
"""

from documents.evaluation import MODEL, EvaluationReport

BLESSED, FAILED_RULES, USERS, STABILITY = "blessed", "failed_rules", "users", "neighbour_stability"


def key_of(metric: str) -> str:
    """Converts a metric's name to a key: `ndcg@10` becomes `ndcg_at_10`."""
    return metric.replace("@", "_at_")


def ui_metrics(document: EvaluationReport) -> dict[str, float]:
    """Flattens an evaluation.

    Args:
        document: The evaluation.

    Returns:
        Key to number: the model's metrics under their names, the other contenders' metrics with `<contender>_` before
        the name, neighbour stability, the number of evaluated users and of failed rules, and whether the model was
        blessed, 1 or 0. Values that could not be measured are left out.
    """
    metrics = {
        f"{'' if contender == MODEL else f'{contender}_'}{key_of(metric)}": figure.value
        for contender, figures in document.contenders.items()
        for metric, figure in figures.metrics.items()
    }
    metrics |= {
        STABILITY: document.neighbour_stability.mean_jaccard if document.neighbour_stability else None,
        USERS: document.users.evaluated,
        FAILED_RULES: len(document.decision.failed),
        BLESSED: int(document.decision.blessed),
    }
    return {key: float(value) for key, value in metrics.items() if value is not None}
