import json

import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline.commands.notebook import statistics
from pipeline.store.runs.records import read_runs
from tests.pipeline.report import worlds
from tests.pipeline.store.runs.history import NAME, History


def _statistics() -> statistics_pb2.DatasetFeatureStatistics:
    made = statistics_pb2.DatasetFeatureStatistics(num_examples=4)
    number = made.features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
    number.path.step.append("value")
    number.num_stats.mean, number.num_stats.min, number.num_stats.median, number.num_stats.max = 3.5, 1, 4, 5
    number.num_stats.common_stats.num_non_missing = 4
    number.num_stats.common_stats.tot_num_values = 8
    number.num_stats.common_stats.avg_num_values = 2
    for kind, low in ((statistics_pb2.Histogram.QUANTILES, 7), (statistics_pb2.Histogram.STANDARD, 1)):
        number.num_stats.histograms.add(type=kind).buckets.add(low_value=low, high_value=low + 2, sample_count=8)
    text = made.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
    text.path.step.append("genres")
    text.string_stats.unique = 3
    text.string_stats.top_values.add(value="drama", frequency=9)
    return made


def test_statistics_rows_tell_numbers_and_texts_apart() -> None:
    value, genres = statistics.statistics_rows(_statistics())
    assert (value["feature"], value["type"], value["values"], value["median"]) == ("value", "FLOAT", 8, 4)
    assert (genres["feature"], genres["distinct"], genres["mean"]) == ("genres", 3, None)


def test_value_chart_histogram_of_equal_widths_or_top_values() -> None:
    assert "Values of value: 1.00 to 3.00 8" in statistics.value_chart(_statistics(), "value")
    assert "Values of genres: drama 9" in statistics.value_chart(_statistics(), "genres")


def test_value_chart_no_such_feature_names_those_there_are() -> None:
    with pytest.raises(LookupError, match="there is no feature 'price'; the features are value, genres"):
        statistics.value_chart(_statistics(), "price")


def test_read_statistics_run_that_ended_before_is_reported() -> None:
    with pytest.raises(LookupError, match="has no statistics of CatalogueStatisticsGen"):
        statistics.read_statistics(worlds.run(failed="CatalogueGen"), "CatalogueStatisticsGen", "train")


def test_quarantined_text_that_ends_lines_stays_in_its_row(history: History) -> None:
    rows = [{"file": "logs/part.csv", "row": n, "reason": "too few", "excerpt": f"a\u2028b\x85c {n}"} for n in range(3)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    history.run().node("InteractionGen", {"examples": "Examples"}, files={"quarantine.jsonl": lines})
    (run,) = read_runs(history.metadata_path, NAME)
    assert statistics.quarantined(run, 2) == [{**row, "file": "part.csv"} for row in rows[:2]]
