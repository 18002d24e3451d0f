"""Wires the DAG, from a raw log to a pushed model. It does nothing else: no credentials, network or data are needed."""

from typing import Any, NamedTuple

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

from configs.compare import Compare
from configs.content_features import ContentFeatures
from configs.load import config_digest
from configs.pipeline import PipelineConfig
from configs.service.pushed_data import PushedData
from pipeline.components.catalogue_gen.component import CatalogueGen
from pipeline.components.curated_schema_gen.component import CuratedSchemaGen
from pipeline.components.data_gate.component import DataGate
from pipeline.components.interaction_gen.component import InteractionGen
from pipeline.components.live_model_resolver.component import LiveModelResolver
from pipeline.components.model_comparison.component import ModelComparison, TrainedCandidate
from pipeline.components.pusher.component import Pusher
from pipeline.components.registry_pusher.component import RegistryPusher
from pipeline.components.retrieval_evaluator.component import RetrievalEvaluator
from pipeline.components.run_report.component import RunReport
from pipeline.components.serving_check.component import ServingCheck
from pipeline.components.trainer.component import Trainer
from pipeline.components.transform.component import Transform
from pipeline.ground.node import follow_libraries
from pipeline.ground.places import CuratedSchema, Places

LOG_DIR, CATALOGUE_DIR = "log_dir", "catalogue_dir"
"""RuntimeParameters: the folders of the log's and the catalogue's files; the defaults come from the config."""


class _Data(NamedTuple):
    """The nodes of a data set: its Examples, their statistics, their schema, and the anomalies between the two."""

    example_gen: BaseComponent
    statistics_gen: BaseComponent
    schema_gen: BaseComponent
    example_validator: BaseComponent

    @property
    def examples(self) -> BaseChannel:
        return self.example_gen.outputs["examples"]

    @property
    def statistics(self) -> BaseChannel:
        return self.statistics_gen.outputs["statistics"]

    @property
    def schema(self) -> BaseChannel:
        return self.schema_gen.outputs["schema"]

    @property
    def anomalies(self) -> BaseChannel:
        return self.example_validator.outputs["anomalies"]


class _Made(NamedTuple):
    """The model that is judged and pushed, and the nodes that made it."""

    nodes: list[BaseComponent]
    model: BaseChannel
    model_run: BaseChannel
    infra_blessing: BaseChannel
    comparison: BaseChannel | None = None


def create_pipeline(config: PipelineConfig, places: Places) -> Pipeline:
    """Wires the components.

    Args:
        config: What the pipeline does.
        places: Where it reads and writes.

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

    transforms = _transforms(config, interactions, catalogue)
    if config.compare is not None and config.compare.every_run:
        made = _compared(config, config.compare, places, transforms, interactions, data_blessing, last_model)
    else:
        made = _trained(config, places, transforms, data_blessing, last_model)
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
        evaluation=evaluation,
        blessing=blessing,
        infra_blessing=infra_blessing,
        pushed_model=pusher.outputs["pushed_model"],
        pipeline_name=config.name,
    )

    metadata = places.metadata_path
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=places.pipeline_root,
        components=[
            *interactions,
            *catalogue,
            last_blessed,
            data_gate,
            *transforms,
            *made.nodes,
            evaluator,
            pusher,
            *registry_pushers,
            report,
        ],
        enable_cache=config.enable_cache,
        beam_pipeline_args=list(places.beam_pipeline_args or config.beam_pipeline_args),
        metadata_connection_config=sqlite_metadata_connection_config(metadata) if metadata else None,
    )


def _data(config: PipelineConfig, places: Places) -> tuple[_Data, _Data]:
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


def _checked(name: str, example_gen: BaseComponent, curated_schema: CuratedSchema | None) -> _Data:
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
    return _Data(example_gen, statistics_gen, schema_gen, validator)


def _last_blessed(places: Places) -> BaseNode:
    if places.metadata_path is None:
        return LiveModelResolver(serving_dir=places.serving_dir)
    return Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
    ).with_id("LatestBlessedModel")


def _transforms(config: PipelineConfig, interactions: _Data, catalogue: _Data) -> tuple[BaseComponent, BaseComponent]:
    # Turns users and histories into indices; the vocabularies come from the training split alone.
    interaction_transform = Transform(
        examples=interactions.examples,
        schema=interactions.schema,
        preprocessing_fn="transforms.interactions.preprocessing_fn",
        settings={"weighted": config.log.event_weights is not None},
        splits=("train", "eval"),
    ).with_id("InteractionTransform")

    # Numbers the items of the catalogue, and turns content features into indices.
    catalogue_transform = Transform(
        examples=catalogue.examples,
        schema=catalogue.schema,
        preprocessing_fn="transforms.catalogue.preprocessing_fn",
        settings={"features": {name: each.model_dump(mode="json") for name, each in _features(config).items()}},
        splits=("train",),
    ).with_id("CatalogueTransform")
    return interaction_transform, catalogue_transform


def _features(config: PipelineConfig) -> ContentFeatures:
    return config.catalogue.features if config.catalogue else {}


def _trainer(
    config: PipelineConfig,
    places: Places,
    transforms: tuple[BaseComponent, BaseComponent],
    data_blessing: BaseChannel,
    **arguments: Any,
) -> Trainer:
    interaction_transform, catalogue_transform = transforms
    return Trainer(
        examples=interaction_transform.outputs["transformed_examples"],
        transform_graph=interaction_transform.outputs["transform_graph"],
        candidates=catalogue_transform.outputs["transformed_examples"],
        candidates_transform_graph=catalogue_transform.outputs["transform_graph"],
        data_blessing=data_blessing,
        run_fn="trainer.run_fn.run_fn",
        compared=config.compare.candidates if config.compare else {},
        serving=config.serving,
        features=_features(config),
        pipeline_name=config.name,
        config_digest=config_digest(config),
        training_job=places.training_job,
        **arguments,
    )


def _trained(
    config: PipelineConfig,
    places: Places,
    transforms: tuple[BaseComponent, BaseComponent],
    data_blessing: BaseChannel,
    base_model: BaseChannel,
) -> _Made:
    """One model."""
    # Trains the model, starting from the base model if the config asks for it, and exports the served signatures.
    # If data, config and code have not changed since that model, passes it on without training.
    trainer = _trainer(config, places, transforms, data_blessing, trainer=config.trainer, base_model=base_model)
    model = trainer.outputs["model"]
    # Asks the exported model in a process that does not have our code.
    serving_check = ServingCheck(model=model, settings=config.serving_check)
    return _Made([trainer, serving_check], model, trainer.outputs["model_run"], serving_check.outputs["blessing"])


def _compared(
    config: PipelineConfig,
    compare: Compare,
    places: Places,
    transforms: tuple[BaseComponent, BaseComponent],
    interactions: _Data,
    data_blessing: BaseChannel,
    last_model: BaseChannel,
) -> _Made:
    """The best of several models, each of which starts cold."""
    nodes: list[BaseComponent] = []
    trained = {}
    for name, settings in compare.candidates.items():
        trainer = _trainer(config, places, transforms, data_blessing, trainer=settings, candidate=name)
        model = trainer.with_id(f"Trainer-{name}").outputs["model"]
        serving_check = ServingCheck(model=model, settings=config.serving_check).with_id(f"ServingCheck-{name}")
        nodes += [trainer, serving_check]
        trained[name] = TrainedCandidate(model, trainer.outputs["model_run"], serving_check.outputs["blessing"])
    # Chooses by targets that no candidate was trained on, and measures all candidates on the eval split.
    comparison = ModelComparison(
        candidates=trained,
        compare=compare,
        examples=interactions.examples,
        data_blessing=data_blessing,
        baseline_model=last_model,
        settings=config.evaluation,
        gate=config.gate,
        weighted=config.log.event_weights is not None,
        serving=config.serving,
    )
    outputs = comparison.outputs
    return _Made(
        [*nodes, comparison],
        outputs["model"],
        outputs["model_run"],
        outputs["infra_blessing"],
        outputs["comparison"],
    )


def _evaluator(
    config: PipelineConfig,
    interactions: _Data,
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
    interactions: _Data,
    catalogue: _Data,
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
            _features(config), config.log.columns.timestamp is not None, config.service.max_history
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
