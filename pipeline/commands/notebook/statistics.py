"""Shows TFDV's statistics as tables and charts.

`tfdv.visualize_statistics` loads its script from two web sites; these functions do not, so a notebook can also be run
without a browser.
"""

import json
import os
from typing import Any

from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio

from pipeline.commands.notebook.runs import nothing_of
from pipeline.ground.layout import QUARANTINE_FILE, STATISTICS_FILE
from pipeline.report.charts.drawing import COLOURS, canvas
from pipeline.report.numbers import count, significant
from pipeline.store.runs.records import Run

_BARS = 12
"""How many bins of a histogram, or most frequent values of a text feature, are drawn."""

_LABEL_CHARACTERS = 40


def read_statistics(run: Run, node_id: str, split: str) -> statistics_pb2.DatasetFeatureStatistics:
    """Reads the statistics that StatisticsGen computed.

    Args:
        run: The run.
        node_id: `InteractionsStatisticsGen` or `CatalogueStatisticsGen`.
        split: The split, such as `train`.

    Raises:
        LookupError: The run has no such statistics.
    """
    uri = _output(run, node_id, "statistics")
    with fileio.open(os.path.join(uri, f"Split-{split}", STATISTICS_FILE), "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read()).datasets[0]


def statistics_rows(statistics: statistics_pb2.DatasetFeatureStatistics) -> list[dict[str, Any]]:
    """Makes a row for each feature: how often it is present, and the distribution of its values."""
    rows = []
    for feature in statistics.features:
        numeric = feature.HasField("num_stats")
        common = (feature.num_stats if numeric else feature.string_stats).common_stats
        numbers = feature.num_stats if numeric else None
        rows.append(
            {
                "feature": _name(feature),
                "type": statistics_pb2.FeatureNameStatistics.Type.Name(feature.type),
                "Examples": common.num_non_missing,
                "values": common.tot_num_values,
                "values per Example": common.avg_num_values,
                "distinct": None if numbers else feature.string_stats.unique,
                "least": numbers.min if numbers else None,
                "median": numbers.median if numbers else None,
                "mean": numbers.mean if numbers else None,
                "most": numbers.max if numbers else None,
            }
        )
    return rows


def value_chart(statistics: statistics_pb2.DatasetFeatureStatistics, feature: str) -> str:
    """Draws a feature's values: a histogram of numbers, or the most frequent texts.

    Args:
        statistics: The statistics of a split.
        feature: The feature's name.

    Returns:
        An `<svg>` element; empty if TFDV counted no values.

    Raises:
        LookupError: There is no such feature.
    """
    found = next((candidate for candidate in statistics.features if _name(candidate) == feature), None)
    if found is None:
        raise LookupError(
            f"there is no feature {feature!r}; the features are {', '.join(map(_name, statistics.features))}"
        )
    if found.HasField("num_stats"):
        bins = _histogram(found.num_stats)[:_BARS]
        bars = [(f"{significant(b.low_value)} to {significant(b.high_value)}", b.sample_count) for b in bins]
    else:
        bars = [(value.value[:_LABEL_CHARACTERS], value.frequency) for value in found.string_stats.top_values[:_BARS]]
    if not bars:
        return ""
    description = ", ".join(f"{name} {count(times)}" for name, times in bars)
    slug = "".join(character if character.isalnum() else "-" for character in feature)
    with canvas(f"values-{slug}", f"Values of {feature}: {description}", 0.5 + 0.24 * len(bars)) as drawn:
        axes = drawn.axes()
        axes.set_title(feature)
        places = range(len(bars))[::-1]
        axes.barh(places, [times for _, times in bars], color=COLOURS["model"], height=0.7)
        axes.set_yticks(places, [name for name, _ in bars])
        axes.grid(visible=False, axis="y")
    return drawn.svg


def quarantined(run: Run, rows: int = 20) -> list[dict[str, Any]]:
    """Returns the first rows of the log that could not be read; empty if all could.

    Args:
        run: The run.
        rows: Most rows to return.

    Raises:
        LookupError: The run has no Examples.
    """
    path = os.path.join(_output(run, "InteractionGen", "examples"), QUARANTINE_FILE)
    with fileio.open(path, "rb") as file:
        # Split bytes, not text: in text, a character in a cell may end a line too, such as U+2028.
        lines = file.read().splitlines()[:rows]
    return [{**json.loads(line), "file": os.path.basename(json.loads(line)["file"])} for line in lines]


def _output(run: Run, node_id: str, key: str) -> str:
    for node in run.nodes:
        if node.node_id == node_id and node.outputs.get(key):
            return node.outputs[key][0].uri
    raise nothing_of(run, f"{key} of {node_id}")


def _histogram(numbers: statistics_pb2.NumericStatistics) -> list[statistics_pb2.Histogram.Bucket]:
    """Returns the bins of equal width; TFDV also computes quantiles."""
    standard = [h for h in numbers.histograms if h.type == statistics_pb2.Histogram.STANDARD]
    return list(standard[0].buckets) if standard else []


def _name(feature: statistics_pb2.FeatureNameStatistics) -> str:
    return feature.name or ".".join(feature.path.step)
