"""Lists the anomalies between the data and its schema that ExampleValidator found."""

from collections.abc import Mapping

from tensorflow_metadata.proto.v0 import anomalies_pb2

from documents.data_gate import FoundAnomaly


def findings(
    anomalies: Mapping[tuple[str, str], anomalies_pb2.Anomalies], ignore_anomalies: frozenset[str] = frozenset()
) -> list[FoundAnomaly]:
    """Lists the anomalies that the validators found.

    Args:
        anomalies: TFDV's Anomalies for each (data, split).
        ignore_anomalies: Names of anomaly types that do not count.

    Returns:
        One anomaly for each reason of each feature, and one for each split without data.
    """
    found = []
    for (data, split), report in anomalies.items():
        if report.data_missing:
            missing = {"feature": "", "anomaly": "DATA_MISSING", "description": "the split holds no Examples"}
            found.append(FoundAnomaly(data=data, split=split, **missing, ignored=False))
        reasons = [(name, reason) for name, info in report.anomaly_info.items() for reason in info.reason]
        reasons += [("", reason) for reason in report.dataset_anomaly_info.reason]
        for feature, reason in sorted(reasons, key=lambda pair: pair[0]):
            name = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
            found.append(
                FoundAnomaly(
                    data=data,
                    split=split,
                    feature=feature,
                    anomaly=name,
                    description=reason.description,
                    ignored=name in ignore_anomalies,
                )
            )
    return found
