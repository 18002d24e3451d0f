"""When DataGate stops a run."""

from pydantic import field_validator

from configs.base import Settings


class DataGate(Settings):
    """When DataGate stops the run."""

    ignore_anomalies: tuple[str, ...] = ()
    """Names of anomalies (TFDV's `AnomalyInfo.Type`, e.g. `SCHEMA_NEW_COLUMN`) that do not stop the run."""

    @field_validator("ignore_anomalies")
    @classmethod
    def _names_are_tfdvs(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if names:
            # Here, so that what reads a config without a pipeline, such as the service, need not have it installed.
            from tensorflow_metadata.proto.v0 import anomalies_pb2

            allowed = sorted(anomalies_pb2.AnomalyInfo.Type.keys())
            unknown = [name for name in names if name not in allowed]
            if unknown:
                raise ValueError(f"no such anomaly: {', '.join(unknown)}; allowed: {', '.join(allowed)}")
        return names
