"""RunReport makes the page of the run that it is part of; a run that fails on the way gets its page from the runner."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from pipeline.components.run_report import executor
from pipeline.ground import artifacts


class RunReportSpec(component_spec.ComponentSpec):
    """All that the page tells of, in; the page, out."""

    PARAMETERS = {
        executor.PIPELINE_NAME_KEY: component_spec.ExecutionParameter(type=str),
        executor.CODE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "interactions": component_spec.ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "catalogue": component_spec.ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "interaction_anomalies": component_spec.ChannelParameter(
            type=standard_artifacts.ExampleAnomalies, optional=True
        ),
        "catalogue_anomalies": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies, optional=True),
        # Not optional: its type is what makes Vertex find the page's, see `pipeline.ground.artifacts`.
        "data_blessing": component_spec.ChannelParameter(type=artifacts.DataBlessing),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
        "model_run": component_spec.ChannelParameter(type=standard_artifacts.ModelRun, optional=True),
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
        "pushed_model": component_spec.ChannelParameter(type=standard_artifacts.PushedModel, optional=True),
    }
    OUTPUTS = {executor.REPORT_KEY: component_spec.ChannelParameter(type=artifacts.RunReport)}


class RunReport(base_component.BaseComponent):
    """Writes the page.

    Component `outputs` contains:
     - `report`: Channel of type `pipeline.ground.artifacts.RunReport`, an HTML file.
    """

    SPEC_CLASS = RunReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        data_blessing: types.BaseChannel,
        evaluation: types.BaseChannel,
        blessing: types.BaseChannel,
        pipeline_name: str,
        code_digest: str,
        interactions: types.BaseChannel | None = None,
        catalogue: types.BaseChannel | None = None,
        interaction_anomalies: types.BaseChannel | None = None,
        catalogue_anomalies: types.BaseChannel | None = None,
        model: types.BaseChannel | None = None,
        model_run: types.BaseChannel | None = None,
        infra_blessing: types.BaseChannel | None = None,
        pushed_model: types.BaseChannel | None = None,
    ) -> None:
        """Declares the page.

        Args:
            data_blessing: DataGate's word, with its checks.
            evaluation: RetrievalEvaluator's measurements and decision.
            blessing: RetrievalEvaluator's word.
            pipeline_name: What the page calls the pipeline.
            code_digest: Digest of the code that builds the page, for the cache key.
            interactions: InteractionGen's Examples, for what cleaning did.
            catalogue: CatalogueGen's Examples.
            interaction_anomalies: ExampleAnomalies of the log.
            catalogue_anomalies: ExampleAnomalies of the catalogue.
            model: The trained model.
            model_run: Its learning curves, and where it started from.
            infra_blessing: ServingCheck's word.
            pushed_model: The Pusher's.
        """
        super().__init__(
            spec=RunReportSpec(
                interactions=interactions,
                catalogue=catalogue,
                interaction_anomalies=interaction_anomalies,
                catalogue_anomalies=catalogue_anomalies,
                data_blessing=data_blessing,
                model=model,
                model_run=model_run,
                evaluation=evaluation,
                blessing=blessing,
                infra_blessing=infra_blessing,
                pushed_model=pushed_model,
                pipeline_name=pipeline_name,
                code_digest=code_digest,
                report=types.Channel(type=artifacts.RunReport),
            )
        )
