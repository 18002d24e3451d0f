"""Wires the DAG, from a raw log to a pushed model. It does nothing else: no credentials, network or data are needed."""

from tfx.components import ExampleValidator, SchemaGen, StatisticsGen
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel

from configs.pipeline import PipelineConfig
from configs.service.pushed_data import PushedData
from pipeline import models
from pipeline.components.catalogue_gen.component import CatalogueGen
from pipeline.components.curated_schema_gen.component import CuratedSchemaGen
from pipeline.components.data_gate.component import DataGate
from pipeline.components.interaction_gen.component import InteractionGen
from pipeline.components.live_model_resolver.component import LiveModelResolver
from pipeline.components.pusher.component import Pusher
from pipeline.components.registry_pusher.component import RegistryPusher
from pipeline.components.retrieval_evaluator.component import RetrievalEvaluator
from pipeline.components.run_report.component import RunReport
from pipeline.ground.node import follow_libraries
from pipeline.ground.places import CuratedSchema, Places
from pipeline.models import Data, features_of

LOG_DIR, CATALOGUE_DIR = "log_dir", "catalogue_dir"
"""RuntimeParameters: the folders of the log's and the catalogue's files; the defaults come from the config."""


def create_pipeline(config: PipelineConfig, places: Places, *, search: bool = False) -> Pipeline:
    """Wires the components.

    Args:
        config: What the pipeline does.
        places: Where it reads and writes.
        search: Whether the run is a search: it ends with Tuner, which searches however new the last search is. Needs
            the config's section `tuner`.

    Returns:
        The pipeline, for the local runner or Vertex.
    """
    interactions, catalogue = _data(config, places)

    # The last blessed model; none on the first run.
    last_blessed = _last_blessed(places)
    last_model = last_blessed.outputs["model"]

    # Stops the run if the data does not fit the schema, or has drifted too far from what that model learned from.
    data_gate = DataGate(
        interactions=interactions.examples,
        interaction_statistics=interactions.statistics,
        interaction_schema=interactions.schema,
        interaction_anomalies=interactions.anomalies,
        catalogue=catalogue.examples,
        catalogue_statistics=catalogue.statistics,
        catalogue_schema=catalogue.schema,
        catalogue_anomalies=catalogue.anomalies,
        last_model=last_model,
        settings=config.data_gate,
    )
    data_blessing = data_gate.outputs["blessing"]

    if search:
        nodes = models.searched(config, places, interactions, catalogue, data_blessing)
    else:
        nodes = _judged(config, places, interactions, catalogue, data_blessing, last_model)

    metadata = places.metadata_path
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=places.pipeline_root,
        components=[*interactions, *catalogue, last_blessed, data_gate, *nodes],
        enable_cache=config.enable_cache,
        beam_pipeline_args=list(places.beam_pipeline_args or config.beam_pipeline_args),
        metadata_connection_config=sqlite_metadata_connection_config(metadata) if metadata else None,
    )


def _judged(
    config: PipelineConfig,
    places: Places,
    interactions: Data,
    catalogue: Data,
    data_blessing: BaseChannel,
    last_model: BaseChannel,
) -> list[BaseNode]:
    """Makes a model, judges it, pushes it if it is blessed, and reports."""
    # One model is trained, or several of which the best is chosen.
    made = models.made(config, places, interactions, catalogue, data_blessing, last_model)
    model, infra_blessing = made.model, made.infra_blessing

    evaluator = _evaluator(config, interactions, data_blessing, model, infra_blessing, last_model)
    blessing = evaluator.outputs["blessing"]

    evaluation = evaluator.outputs["evaluation"]
    pusher, *registry_pushers = _pushers(
        config, places, interactions, catalogue, model, blessing, infra_blessing, evaluation
    )

    # Writes the page that shows what was read, learned, measured and decided.
    report = RunReport(
        interactions=interactions.examples,
        catalogue=catalogue.examples,
        interaction_anomalies=interactions.anomalies,
        catalogue_anomalies=catalogue.anomalies,
        data_blessing=data_blessing,
        model=model,
        model_run=made.model_run,
        **({"comparison": made.comparison} if made.comparison is not None else {}),
        **({"retraining": made.decision} if made.decision is not None else {}),
        evaluation=evaluation,
        blessing=blessing,
        infra_blessing=infra_blessing,
        pushed_model=pusher.outputs["pushed_model"],
        pipeline_name=config.name,
    )

    return [*made.nodes, evaluator, pusher, *registry_pushers, report]


def _data(config: PipelineConfig, places: Places) -> tuple[Data, Data]:
    """Reads the log and the catalogue, and describes both."""
    # Groups the log into one Example per user: a history, and the held-out targets.
    interaction_gen = InteractionGen(
        log=config.log,
        paths=places.log_paths,
        folder_parameter=LOG_DIR,
        ids=config.ids,
        leave_out=config.serving.rule,
        max_history=config.service.max_history,
    )

    # One Example per item; interacted items that the catalogue lacks are added with their id alone.
    catalogue_gen = CatalogueGen(
        catalogue=config.catalogue,
        path=places.catalogue_path or places.log_paths,
        interactions=interaction_gen.outputs["examples"],
        folder_parameter=CATALOGUE_DIR if places.catalogue_path else LOG_DIR,
        ids=config.ids,
    )

    return (
        _checked("Interactions", interaction_gen, places.interactions_schema),
        _checked("Catalogue", catalogue_gen, places.catalogue_schema),
    )


def _checked(name: str, example_gen: BaseComponent, curated_schema: CuratedSchema | None) -> Data:
    """Adds statistics, schema (the curated one, if there is one) and anomalies."""
    statistics_gen = StatisticsGen(examples=example_gen.outputs["examples"]).with_id(f"{name}StatisticsGen")
    if curated_schema is not None:
        schema_gen = CuratedSchemaGen(curated_schema)
    else:
        # Infer no shapes: if all histories have the same length today, that length must not become part of the schema.
        # Use the eval split too: after a split by time, its histories may be empty.
        schema_gen = SchemaGen(statistics=statistics_gen.outputs["statistics"], infer_feature_shape=False)
    schema_gen = schema_gen.with_id(f"{name}SchemaGen")
    validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"]
    ).with_id(f"{name}ExampleValidator")
    follow_libraries(statistics_gen, schema_gen, validator)
    return Data(example_gen, statistics_gen, schema_gen, validator)


def _last_blessed(places: Places) -> BaseNode:
    if places.metadata_path is None:
        return LiveModelResolver(serving_dir=places.serving_dir)
    return Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
    ).with_id("LatestBlessedModel")


def _evaluator(
    config: PipelineConfig,
    interactions: Data,
    data_blessing: BaseChannel,
    model: BaseChannel,
    infra_blessing: BaseChannel,
    last_model: BaseChannel,
) -> BaseComponent:
    # Measures the exported model, the baselines and the last blessed model, and decides whether to bless it. It must
    # also have passed ServingCheck: a blessed model can always be served.
    return RetrievalEvaluator(
        examples=interactions.examples,
        model=model,
        infra_blessing=infra_blessing,
        data_blessing=data_blessing,
        baseline_model=last_model,
        settings=config.evaluation,
        gate=config.gate,
        weighted=config.log.event_weights is not None,
        serving=config.serving,
    )


def _pushers(
    config: PipelineConfig,
    places: Places,
    interactions: Data,
    catalogue: Data,
    model: BaseChannel,
    blessing: BaseChannel,
    infra_blessing: BaseChannel,
    evaluation: BaseChannel,
) -> list[BaseComponent]:
    # Copies a model that both have blessed into serving/<version>/, and puts beside it what the service needs: titles,
    # features, histories, and the gate's numbers.
    pusher = Pusher(
        model=model,
        model_blessing=blessing,
        infra_blessing=infra_blessing,
        interactions=interactions.examples,
        catalogue=catalogue.examples,
        evaluation=evaluation,
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=places.serving_dir)
        ),
        settings=config.push,
        service_data=PushedData.of(
            features_of(config), config.log.columns.timestamp is not None, config.service.max_history
        ),
    )
    if places.registry is None:
        return [pusher]

    # Makes the model the blessed version in Vertex's Model Registry, and deploys it to an Endpoint if the config asks
    # for it.
    registry_pusher = RegistryPusher(
        pushed_model=pusher.outputs["pushed_model"], serving_dir=places.serving_dir, target=places.registry
    )
    return [pusher, registry_pusher]
