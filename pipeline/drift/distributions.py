"""Measures drift and skew with TFDV: today's distributions against those that the last blessed model learned from."""

import logging
import math
from collections.abc import Mapping

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from configs.data_gate import DataGateSettings
from documents.data_gate import DriftCheck
from pipeline.drift.checks import at_most
from transforms import features

SplitStatistics = Mapping[str, statistics_pb2.DatasetFeatureStatisticsList]
"""By split."""

Limits = Mapping[str, float | None]
"""Config field to limit; the field's name ends with its measure: `…_l_infinity` or `…_divergence`."""

_LOGGER = logging.getLogger("perennial.data_gate")

_TARGETS = {features.TARGET_ITEM_ID: features.ITEM_ID, features.TARGET_VALUE: features.VALUE}
"""Feature of the held-out interactions of eval to the training feature that it is compared with."""

_MEASURES = {
    anomalies_pb2.DriftSkewInfo.Measurement.L_INFTY: "l_infinity",
    anomalies_pb2.DriftSkewInfo.Measurement.JENSEN_SHANNON_DIVERGENCE: "jensen_shannon_divergence",
}


def interaction_checks(
    today: SplitStatistics, last: SplitStatistics, schema: schema_pb2.Schema, settings: DataGateSettings
) -> list[DriftCheck]:
    """Compares today's training interactions and held-out interactions with the last blessed model's training data.

    Args:
        today: Statistics of the splits `train` and `eval`.
        last: Statistics of the last blessed model's data.
        schema: Schema of the interactions; its own comparators take precedence over the config's limits.
        settings: The limits.

    Returns:
        `drift` and `skew` checks of item ids and values.
    """
    limit = settings.model_dump()
    value = {"max_value_divergence": limit["max_value_divergence"]}
    drift = {name: limit[name] for name in ("max_item_l_infinity", "max_item_divergence")}
    skew = {name: limit[name] for name in ("max_target_l_infinity", "max_target_divergence")}
    return [
        *_compare(
            "drift", "interactions", today["train"], last["train"], schema,
            {features.ITEM_ID: drift, features.VALUE: value}, settings.min_compared_values,
        ),
        *_compare(
            "skew", "interactions", _targets(today["eval"]), last["train"], schema,
            {features.ITEM_ID: skew, features.VALUE: value}, settings.min_compared_values,
        ),
    ]  # fmt: skip


def catalogue_checks(
    today: SplitStatistics, last: SplitStatistics, schema: schema_pb2.Schema, settings: DataGateSettings
) -> list[DriftCheck]:
    """Compares the content features.

    Args:
        today: Statistics of the catalogue's split, `train`.
        last: Statistics of the last blessed model's data.
        schema: Schema of the catalogue; its own comparators take precedence over the config's limits.
        settings: The limits.

    Returns:
        A `drift` check for each text, category and number feature.
    """
    limits: dict[str, Limits] = {}
    for feature in schema.feature:
        if feature.name not in (features.ITEM_ID, features.TITLE):
            name = "max_category_l_infinity" if feature.type == schema_pb2.BYTES else "max_number_divergence"
            limits[feature.name] = {name: getattr(settings, name)}
    return _compare("drift", "catalogue", today["train"], last["train"], schema, limits, settings.min_compared_values)


def item_divergence(
    today: statistics_pb2.DatasetFeatureStatisticsList,
    last: statistics_pb2.DatasetFeatureStatisticsList,
    min_values: int,
) -> float | None:
    """Measures how far the items of two training splits are from each other.

    Args:
        today: Statistics of today's split `train`.
        last: Statistics of another run's.
        min_values: Least number of interactions in both.

    Returns:
        The Jensen-Shannon divergence, from 0 to 1; None if there are fewer interactions.
    """
    schema = schema_pb2.Schema()
    schema.feature.add(name=features.ITEM_ID, type=schema_pb2.BYTES)
    limits = {features.ITEM_ID: {"max_item_divergence": 1.0}}
    (check,) = _compare("drift", "interactions", today, last, schema, limits, min_values) or (None,)
    return check.value if check is not None else None


def _compare(
    kind: str,
    data: str,
    today: statistics_pb2.DatasetFeatureStatisticsList,
    last: statistics_pb2.DatasetFeatureStatisticsList,
    schema: schema_pb2.Schema,
    limits: Mapping[str, Limits],
    min_values: int,
) -> list[DriftCheck]:
    comparing = schema_pb2.Schema()
    comparing.CopyFrom(schema)
    counts_today, counts_last = _value_counts(today), _value_counts(last)
    checks = []
    for feature in comparing.feature:
        now, then = counts_today.get(feature.name, 0), counts_last.get(feature.name, 0)
        wanted = {name: limit for name, limit in limits.get(feature.name, {}).items() if limit is not None}
        if min(now, then) >= min_values:
            _add_comparator(getattr(feature, f"{kind}_comparator"), wanted)
            continue
        feature.ClearField(f"{kind}_comparator")
        if wanted:
            _LOGGER.info(
                "%s of %s: %s is not checked: it has %d values today and had %d in the last run, but "
                "min_compared_values is %d",
                kind, data, feature.name, now, then, min_values,
            )  # fmt: skip
    if kind == "drift":
        found = tfdv.validate_statistics(today, comparing, previous_statistics=last)
    else:
        # In TFDV's terms, the training data is validated, and the held-out interactions are the serving data.
        found = tfdv.validate_statistics(last, comparing, serving_statistics=today)
    for info in found.drift_skew_info:
        name = info.path.step[0]
        for measured in info.drift_measurements if kind == "drift" else info.skew_measurements:
            checks.append(_check(kind, data, name, measured, limits.get(name, {})))
    return checks


def _add_comparator(comparator: schema_pb2.FeatureComparator, limits: Mapping[str, float]) -> None:
    """Sets the config's limits if the schema has no comparator of its own."""
    if not comparator.ListFields():
        for name, limit in limits.items():
            one = comparator.infinity_norm if "l_infinity" in name else comparator.jensen_shannon_divergence
            one.threshold = limit


def _check(
    kind: str, data: str, feature: str, measured: anomalies_pb2.DriftSkewInfo.Measurement, limits: Limits
) -> DriftCheck:
    measure = _MEASURES.get(measured.type, "difference")
    ending = "l_infinity" if measure == "l_infinity" else "divergence"
    field = next((f"data_gate.{name}" for name in limits if name.endswith(ending)), "the schema")
    what = (
        f"today's held-out {feature} against the last training's" if kind == "skew" else f"{feature} since the last run"
    )
    words = "largest change of one value's share" if measure == "l_infinity" else "Jensen-Shannon divergence"
    return DriftCheck(
        check=kind,
        data=data,
        split="eval" if kind == "skew" else "train",
        feature=feature,
        measure=measure,
        value=measured.value if math.isfinite(measured.value) else None,
        limit=measured.threshold,
        passed=at_most(measured.value, measured.threshold),
        detail=f"{words} of {what} is {measured.value:.3f}; {field} allows {measured.threshold:g}",
    )


def _value_counts(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> dict[str, int]:
    counts = {}
    for feature in statistics.datasets[0].features:
        one = getattr(feature, feature.WhichOneof("stats"))
        counts[feature.path.step[0]] = int(one.common_stats.tot_num_values)
    return counts


def _targets(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Returns the statistics of the held-out interactions under the names of the training features."""
    targets = statistics_pb2.DatasetFeatureStatisticsList()
    targets.CopyFrom(statistics)
    dataset = targets.datasets[0]
    target_features = [feature for feature in dataset.features if feature.path.step[0] in _TARGETS]
    dataset.ClearField("features")
    for feature in target_features:
        feature.path.step[0] = _TARGETS[feature.path.step[0]]
        dataset.features.append(feature)
    return targets
