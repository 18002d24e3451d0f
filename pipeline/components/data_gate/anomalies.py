"""Refuses anomalies between the data and its schema."""

from common.errors import AnomalyError
from documents.data_gate import FoundAnomaly


def require_none(found: list[FoundAnomaly]) -> None:
    """Refuses anomalies that are not ignored.

    Raises:
        AnomalyError: There are such anomalies; the message lists them.
    """
    standing = [finding for finding in found if not finding.ignored]
    if standing:
        lines = [f"  {f.data}/{f.split} {f.feature}: {f.anomaly}: {f.description}" for f in standing]
        raise AnomalyError(
            "\n".join(
                [
                    f"DataGate stopped the run: {len(standing)} anomaly(ies) between the data and its schema.",
                    *lines,
                    "Fix the data or the curated schema, or list the anomaly in data_gate.ignore_anomalies.",
                ]
            )
        )
