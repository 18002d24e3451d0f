"""What `/metrics` keeps of versions that have gone."""

from service.api.metrics import Metrics


def test_answers_of_versions_that_have_gone_are_forgotten() -> None:
    metrics = Metrics()
    for version in (8, 9, 9):
        metrics.count_answer(version, "user")
    metrics.count_answer(8, "user+items")
    metrics.keep_answers([9, 10])
    lines = [line for line in metrics.text().decode().splitlines() if line.startswith("perennial_answers_total")]
    assert lines == ['perennial_answers_total{basis="user",version="9"} 2.0']
    metrics.count_answer(8, "user")  # a request that held it has ended later
    metrics.keep_answers([10])
    assert "perennial_answers_total{" not in metrics.text().decode()
