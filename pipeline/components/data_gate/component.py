"""DataGate stops the run when the data does not fit the schema, or is too far from what the last model learned from.

ExampleValidator only writes anomalies down; and a schema does not know what yesterday was like.
"""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from configs.data_gate import DataGate as Settings
from pipeline.components.data_gate import executor
from pipeline.ground.artifacts import DataBlessing


class DataGateSpec(component_spec.ComponentSpec):
    """Both data sets and what was found of them in, and the last blessed model; the word for the trainer out."""

    PARAMETERS = {
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        executor.CODE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        **{data: component_spec.ChannelParameter(type=standard_artifacts.Examples) for data in executor.DATA},
        **{
            f"{begins}_{what}": component_spec.ChannelParameter(type=of_type)
            for begins in executor.DATA.values()
            for what, of_type in (
                ("statistics", standard_artifacts.ExampleStatistics),
                ("schema", standard_artifacts.Schema),
                ("anomalies", standard_artifacts.ExampleAnomalies),
            )
        },
        executor.LAST_MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {executor.BLESSING_KEY: component_spec.ChannelParameter(type=DataBlessing)}


class DataGate(base_component.BaseComponent):
    """Fails on anomalies that are not ignored by name, and on data beyond the config's limits.

    Component `outputs` contains:
     - `blessing`: Channel of type `DataBlessing`; the trainer waits for it, and keeps it with the model.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        interactions: types.BaseChannel,
        interaction_statistics: types.BaseChannel,
        interaction_schema: types.BaseChannel,
        interaction_anomalies: types.BaseChannel,
        catalogue: types.BaseChannel,
        catalogue_statistics: types.BaseChannel,
        catalogue_schema: types.BaseChannel,
        catalogue_anomalies: types.BaseChannel,
        settings: Settings,
        code_digest: str,
        last_model: types.BaseChannel | None = None,
    ) -> None:
        """Declares the gate.

        Args:
            interactions: InteractionGen's Examples.
            interaction_statistics: Their statistics.
            interaction_schema: Their schema; drift and skew comparators in it go before the config's limits.
            interaction_anomalies: What lies between the two.
            catalogue: CatalogueGen's Examples.
            catalogue_statistics: Likewise.
            catalogue_schema: Likewise.
            catalogue_anomalies: Likewise.
            settings: The limits.
            code_digest: Digest of the executor's code, for the cache key.
            last_model: The last blessed model, whose data today's is compared with; its channel may be empty.
        """
        super().__init__(
            spec=DataGateSpec(
                interactions=interactions,
                interaction_statistics=interaction_statistics,
                interaction_schema=interaction_schema,
                interaction_anomalies=interaction_anomalies,
                catalogue=catalogue,
                catalogue_statistics=catalogue_statistics,
                catalogue_schema=catalogue_schema,
                catalogue_anomalies=catalogue_anomalies,
                last_model=last_model,
                settings=settings.model_dump_json(),
                code_digest=code_digest,
                blessing=types.Channel(type=DataBlessing),
            )
        )
