"""DataGate stops the run when the data does not fit the schema; ExampleValidator only writes it down."""

import json
from collections.abc import Sequence

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from pipeline.artifacts import DataBlessing
from pipeline.components.data_gate import executor


class DataGateSpec(component_spec.ComponentSpec):
    """Both validators' anomalies in, the word for the trainer out."""

    PARAMETERS = {
        executor.IGNORE_ANOMALIES_KEY: component_spec.ExecutionParameter(type=str),
        executor.CODE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        executor.INTERACTION_ANOMALIES_KEY: component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        executor.CATALOGUE_ANOMALIES_KEY: component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }
    OUTPUTS = {executor.BLESSING_KEY: component_spec.ChannelParameter(type=DataBlessing)}


class DataGate(base_component.BaseComponent):
    """Fails on any anomaly of any split that is not ignored by name.

    Component `outputs` contains:
     - `blessing`: Channel of type `DataBlessing`; the trainer waits for it.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        interaction_anomalies: types.BaseChannel,
        catalogue_anomalies: types.BaseChannel,
        ignore_anomalies: Sequence[str],
        code_digest: str,
    ) -> None:
        """Declares the gate.

        Args:
            interaction_anomalies: ExampleAnomalies of the log.
            catalogue_anomalies: ExampleAnomalies of the catalogue.
            ignore_anomalies: Names of `AnomalyInfo.Type` that do not stop the run.
            code_digest: Digest of the executor's code, for the cache key.
        """
        super().__init__(
            spec=DataGateSpec(
                interaction_anomalies=interaction_anomalies,
                catalogue_anomalies=catalogue_anomalies,
                ignore_anomalies=json.dumps(sorted(ignore_anomalies)),
                code_digest=code_digest,
                blessing=types.Channel(type=DataBlessing),
            )
        )
