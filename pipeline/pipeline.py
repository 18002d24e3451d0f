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
from tfx.types.channel import Channel

from configs.load import config_digest
from configs.pipeline import PipelineConfig
from pipeline.components.catalogue_gen.component import CatalogueGen
from pipeline.components.curated_schema_gen.component import CuratedSchemaGen
from pipeline.components.data_gate.component import DataGate
from pipeline.components.interaction_gen.component import InteractionGen
from pipeline.components.live_model_resolver.component import LiveModelResolver
from pipeline.components.pusher.component import Pusher
from pipeline.components.registry_pusher.component import RegistryPusher
from pipeline.components.retrieval_evaluator.component import RetrievalEvaluator
from pipeline.components.run_report.component import RunReport
from pipeline.components.serving_check.component import ServingCheck
from pipeline.components.transform.component import Transform
from pipeline.components.two_tower_trainer.component import TwoTowerTrainer
from pipeline.ground.code_digest import code_digest
from pipeline.ground.node import CODE_DIGEST
from pipeline.ground.places import CuratedSchema, Places

LOG_DIR, CATALOGUE_DIR = "log_dir", "catalogue_dir"
"""RuntimeParameters: the folders of the log's and the catalogue's files; the defaults come from the config."""


def create_pipeline(config: PipelineConfig, places: Places) -> Pipeline:
    """Wires the components.

    Args:
        config: What the pipeline does.
        places: Where it reads and writes.

    Returns:
        The pipeline, for the local runner or Vertex.
    """
    # Groups the log into one Example per user: a history, and the held-out targets.
    interaction_gen = InteractionGen(log=config.log, paths=places.log_paths, folder_parameter=LOG_DIR)

    # One Example per item; interacted items that the catalogue lacks are added with their id alone.
    catalogue_gen = CatalogueGen(
        catalogue=config.catalogue,
        path=places.catalogue_path or places.log_paths,
        interactions=interaction_gen.outputs["examples"],
        folder_parameter=CATALOGUE_DIR if places.catalogue_path else LOG_DIR,
    )

    # Statistics, schema (the curated one, if there is one) and anomalies of both.
    interaction_checks = _checks("Interactions", interaction_gen, places.interactions_schema)
    catalogue_checks = _checks("Catalogue", catalogue_gen, places.catalogue_schema)
    interaction_schema, catalogue_schema = interaction_checks[1], catalogue_checks[1]

    # The last blessed model; none on the first run.
    last_blessed = _last_blessed(places)

    # Stops the run if the data does not fit the schema, or has drifted too far from what that model learned from.
    data_gate = DataGate(
        interactions=interaction_gen.outputs["examples"],
        interaction_statistics=interaction_checks[0].outputs["statistics"],
        interaction_schema=interaction_schema.outputs["schema"],
        interaction_anomalies=interaction_checks[2].outputs["anomalies"],
        catalogue=catalogue_gen.outputs["examples"],
        catalogue_statistics=catalogue_checks[0].outputs["statistics"],
        catalogue_schema=catalogue_schema.outputs["schema"],
        catalogue_anomalies=catalogue_checks[2].outputs["anomalies"],
        last_model=last_blessed.outputs["model"],
        settings=config.data_gate,
    )

    # Turns users and histories into indices; the vocabularies come from the training split alone.
    interaction_transform = Transform(
        examples=interaction_gen.outputs["examples"],
        schema=interaction_schema.outputs["schema"],
        preprocessing_fn="transforms.interactions.preprocessing_fn",
        settings={"weighted": config.log.event_weights is not None},
        splits=("train", "eval"),
    ).with_id("InteractionTransform")

    # Numbers the items of the catalogue, and turns content features into indices.
    features = config.catalogue.features if config.catalogue else {}
    catalogue_transform = Transform(
        examples=catalogue_gen.outputs["examples"],
        schema=catalogue_schema.outputs["schema"],
        preprocessing_fn="transforms.catalogue.preprocessing_fn",
        settings={"features": {name: feature.model_dump(mode="json") for name, feature in features.items()}},
        splits=("train",),
    ).with_id("CatalogueTransform")

    # Trains the two towers, starting from that model if the config asks for it, and exports the served signatures.
    # If data, config and code have not changed since that model, passes it on without training.
    trainer = TwoTowerTrainer(
        examples=interaction_transform.outputs["transformed_examples"],
        transform_graph=interaction_transform.outputs["transform_graph"],
        candidates=catalogue_transform.outputs["transformed_examples"],
        candidates_transform_graph=catalogue_transform.outputs["transform_graph"],
        data_blessing=data_gate.outputs["blessing"],
        base_model=last_blessed.outputs["model"],
        run_fn="trainer.run_fn.run_fn",
        trainer=config.trainer,
        serving=config.serving,
        features=features,
        pipeline_name=config.name,
        config_digest=config_digest(config),
        training_job=places.training_job,
    )

    # Asks the exported model in a process that does not have our code.
    serving_check = ServingCheck(model=trainer.outputs["model"], settings=config.serving_check)

    # Measures the exported model, the baselines and the last blessed model, and decides whether to bless it. It must
    # also have passed ServingCheck: a blessed model can always be served.
    evaluator = RetrievalEvaluator(
        examples=interaction_gen.outputs["examples"],
        model=trainer.outputs["model"],
        infra_blessing=serving_check.outputs["blessing"],
        data_blessing=data_gate.outputs["blessing"],
        baseline_model=last_blessed.outputs["model"],
        settings=config.evaluation,
        gate=config.gate,
        weighted=config.log.event_weights is not None,
    )

    # Copies a model that both have blessed into serving/<version>/.
    pusher = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=places.serving_dir)
        ),
        settings=config.push,
    )

    # If the config asks for it, makes the model the blessed version in Vertex's Model Registry, and deploys it to an
    # Endpoint.
    registered = []
    if places.registry is not None:
        registry_pusher = RegistryPusher(
            pushed_model=pusher.outputs["pushed_model"],
            serving_dir=places.serving_dir,
            target=places.registry,
        )
        registered.append(registry_pusher)

    # Writes the page that shows what was read, learned, measured and decided.
    report = RunReport(
        interactions=interaction_gen.outputs["examples"],
        catalogue=catalogue_gen.outputs["examples"],
        interaction_anomalies=interaction_checks[2].outputs["anomalies"],
        catalogue_anomalies=catalogue_checks[2].outputs["anomalies"],
        data_blessing=data_gate.outputs["blessing"],
        model=trainer.outputs["model"],
        model_run=trainer.outputs["model_run"],
        evaluation=evaluator.outputs["evaluation"],
        blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        pushed_model=pusher.outputs["pushed_model"],
        pipeline_name=config.name,
    )

    metadata = places.metadata_path
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=places.pipeline_root,
        components=[
            interaction_gen,
            catalogue_gen,
            *interaction_checks,
            *catalogue_checks,
            last_blessed,
            data_gate,
            interaction_transform,
            catalogue_transform,
            trainer,
            serving_check,
            evaluator,
            pusher,
            *registered,
            report,
        ],
        enable_cache=config.enable_cache,
        beam_pipeline_args=list(places.beam_pipeline_args or config.beam_pipeline_args),
        metadata_connection_config=sqlite_metadata_connection_config(metadata) if metadata else None,
    )


def _last_blessed(places: Places) -> BaseNode:
    if places.metadata_path is None:
        return LiveModelResolver(serving_dir=places.serving_dir)
    return Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
    ).with_id("LatestBlessedModel")


def _checks(data: str, example_gen: BaseComponent, curated_schema: CuratedSchema | None) -> list[BaseComponent]:
    """StatisticsGen, a source of the schema, and ExampleValidator, in this order.

    Their executors are TFX's, so their digest is that of the libraries: the cache must not return statistics that an
    older TensorFlow Data Validation computed.
    """
    statistics_gen = StatisticsGen(examples=example_gen.outputs["examples"]).with_id(f"{data}StatisticsGen")
    if curated_schema is not None:
        schema_gen = CuratedSchemaGen(curated_schema)
    else:
        # Infer no shapes: if all histories have the same length today, that length must not become part of the schema.
        # Use the eval split too: after a split by time, its histories may be empty.
        schema_gen = SchemaGen(statistics=statistics_gen.outputs["statistics"], infer_feature_shape=False)
    schema_gen = schema_gen.with_id(f"{data}SchemaGen")
    validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"]
    ).with_id(f"{data}ExampleValidator")
    checks = [statistics_gen, schema_gen, validator]
    for each in checks:  # their constructors take no other parameters
        each.exec_properties[CODE_DIGEST] = code_digest()
    return checks
