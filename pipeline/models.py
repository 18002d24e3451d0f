"""Wires what makes the model that is judged: transforms, search of settings, training of one model or of several."""

from typing import Any, NamedTuple

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel

from configs.compare import Compare
from configs.content_features import ContentFeatures
from configs.load import digest_beside_models
from configs.pipeline import PipelineConfig
from configs.tuner import Tuner as Limits
from pipeline.components.hyperparameters_resolver.component import HyperParametersResolver
from pipeline.components.model_comparison.component import ModelComparison, TrainedCandidate
from pipeline.components.retraining_check.component import RetrainingCheck
from pipeline.components.serving_check.component import ServingCheck
from pipeline.components.trainer.component import Trainer, settings_of
from pipeline.components.transform.component import Transform
from pipeline.components.tuner.component import Tuner
from pipeline.ground.places import Places
from trainer.settings import TrainerSettings

Channels = dict[str, BaseChannel]


class Data(NamedTuple):
    """The nodes of a data set: its Examples, their statistics, their schema, and the anomalies between the two."""

    example_gen: BaseComponent
    statistics_gen: BaseComponent
    schema_gen: BaseComponent
    example_validator: BaseComponent

    @property
    def examples(self) -> BaseChannel:
        """The Examples."""
        return self.example_gen.outputs["examples"]

    @property
    def statistics(self) -> BaseChannel:
        """Their statistics."""
        return self.statistics_gen.outputs["statistics"]

    @property
    def schema(self) -> BaseChannel:
        """Their schema, curated or inferred."""
        return self.schema_gen.outputs["schema"]

    @property
    def anomalies(self) -> BaseChannel:
        """What does not fit the schema."""
        return self.example_validator.outputs["anomalies"]


class Made(NamedTuple):
    """The model that is judged and pushed, and the nodes that made it."""

    nodes: list[BaseNode]
    model: BaseChannel
    model_run: BaseChannel
    infra_blessing: BaseChannel
    comparison: BaseChannel | None = None
    decision: BaseChannel | None = None


def made(
    config: PipelineConfig,
    places: Places,
    interactions: Data,
    catalogue: Data,
    data_blessing: BaseChannel,
    last_model: BaseChannel,
) -> Made:
    """Wires one training; or a comparison, if the config says that every run compares.

    Args:
        config: What the pipeline does.
        places: Where it reads and writes.
        interactions: The log.
        catalogue: The items.
        data_blessing: DataGate's blessing.
        last_model: The last blessed model.
    """
    transforms, of_training = _training_data(config, interactions, catalogue, data_blessing)
    if config.compare is not None and config.compare.every_run:
        found = _compared(config, config.compare, places, of_training, interactions, last_model)
    else:
        found = _trained(config, places, of_training, interactions, last_model)
    return found._replace(nodes=[*transforms, *found.nodes])


def searched(
    config: PipelineConfig, places: Places, interactions: Data, catalogue: Data, data_blessing: BaseChannel
) -> list[BaseNode]:
    """Wires a search of the settings of `trainer`, however new the last search is.

    Args:
        config: What the pipeline does, with its section `tuner`.
        places: Where it reads and writes.
        interactions: The log.
        catalogue: The items.
        data_blessing: DataGate's blessing.

    Returns:
        The nodes; the last one is Tuner.
    """
    assert config.tuner is not None
    transforms, of_training = _training_data(config, interactions, catalogue, data_blessing)
    newest = _newest_hyperparameters(places)
    limits = config.tuner.model_copy(update={"every_days": None})
    return [*transforms, newest, _tuner(config, limits, places, of_training, newest)]


def _training_data(
    config: PipelineConfig, interactions: Data, catalogue: Data, data_blessing: BaseChannel
) -> tuple[list[BaseNode], Channels]:
    """The transforms, and the channels of what trains models."""
    interaction_transform, catalogue_transform = _transforms(config, interactions, catalogue)
    of_training: Channels = {
        "examples": interaction_transform.outputs["transformed_examples"],
        "transform_graph": interaction_transform.outputs["transform_graph"],
        "candidates": catalogue_transform.outputs["transformed_examples"],
        "candidates_transform_graph": catalogue_transform.outputs["transform_graph"],
        "data_blessing": data_blessing,
    }
    return [interaction_transform, catalogue_transform], of_training


def _transforms(config: PipelineConfig, interactions: Data, catalogue: Data) -> tuple[BaseComponent, BaseComponent]:
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
        settings={"features": {name: each.model_dump(mode="json") for name, each in features_of(config).items()}},
        splits=("train",),
    ).with_id("CatalogueTransform")
    return interaction_transform, catalogue_transform


def features_of(config: PipelineConfig) -> ContentFeatures:
    """The content features of the catalogue, by name; empty for a catalogue of ids only."""
    return config.catalogue.features if config.catalogue else {}


def _settings(config: PipelineConfig, **models: Any) -> TrainerSettings:
    return settings_of(
        **models,
        serving=config.serving,
        features=features_of(config),
        pipeline_name=config.name,
        config_digest=digest_beside_models(config),
    )


def _trained(
    config: PipelineConfig, places: Places, of_training: Channels, interactions: Data, base_model: BaseChannel
) -> Made:
    """One model."""
    tuning, hyperparameters = _tuning(config, places, of_training)
    settings = _settings(config, trainer=config.trainer, compared=config.compare.candidates if config.compare else {})
    checking, decision = _retraining(config, settings, interactions, of_training, base_model)

    # Trains the model, starting from the base model if the config asks for it, and exports the served signatures.
    # If data, config and code have not changed since that model, passes it on without training.
    trainer = Trainer(
        settings=settings,
        training_job=places.training_job,
        base_model=base_model,
        **of_training,
        **hyperparameters,
        **decision,
    )
    model = trainer.outputs["model"]
    # Asks the exported model in a process that does not have our code.
    serving_check = ServingCheck(model=model, settings=config.serving_check)
    nodes = [*tuning, *checking, trainer, serving_check]
    return Made(
        nodes,
        model,
        trainer.outputs["model_run"],
        serving_check.outputs["blessing"],
        decision=decision.get("decision"),
    )


def _retraining(
    config: PipelineConfig,
    settings: TrainerSettings,
    interactions: Data,
    of_training: Channels,
    base_model: BaseChannel,
) -> tuple[list[BaseNode], Channels]:
    """Says whether training is due; returns the node, and Trainer's channel."""
    if config.retraining is None:
        return [], {}
    # Compares today's data with what the last blessed model learned, and asks that model about what has come since.
    check = RetrainingCheck(
        examples=interactions.examples,
        data_blessing=of_training["data_blessing"],
        last_model=base_model,
        settings=config.retraining,
        evaluation=config.evaluation,
        weighted=config.log.event_weights is not None,
        trainer=settings,
    )
    return [check], {"decision": check.outputs["decision"]}


def _tuning(config: PipelineConfig, places: Places, of_training: Channels) -> tuple[list[BaseNode], Channels]:
    """Finds the settings that the newest search has found, or searches; returns the nodes, and Trainer's channel."""
    if config.tuner is None:
        return [], {}

    # What the newest search has found; nothing before the first one.
    newest = _newest_hyperparameters(places)
    if config.tuner.every_days is None:
        return [newest], {"hyperparameters": newest.outputs["hyperparameters"]}
    tuner = _tuner(config, config.tuner, places, of_training, newest)
    return [newest, tuner], {"hyperparameters": tuner.outputs["best_hyperparameters"]}


def _tuner(config: PipelineConfig, limits: Limits, places: Places, of_training: Channels, newest: BaseNode) -> Tuner:
    # Tries settings on targets that it holds out of the training interactions; hands on the newest ones if they are not
    # older than `every_days`.
    return Tuner(
        **of_training,
        hyperparameters=newest.outputs["hyperparameters"],
        trainer=config.trainer,
        serving=config.serving,
        features=features_of(config),
        limits=limits,
        pipeline_name=config.name,
        config_digest=digest_beside_models(config),
        work_dir=places.tuning_dir,
    )


def _newest_hyperparameters(places: Places) -> BaseNode:
    if places.metadata_path is None:
        return HyperParametersResolver(work_dir=places.tuning_dir)
    return Resolver(
        strategy_class=LatestArtifactStrategy,
        hyperparameters=Channel(type=standard_artifacts.HyperParameters),
    ).with_id("LatestHyperParameters")


def _compared(
    config: PipelineConfig,
    compare: Compare,
    places: Places,
    of_training: Channels,
    interactions: Data,
    last_model: BaseChannel,
) -> Made:
    """The best of several models, each of which starts cold."""
    nodes: list[BaseNode] = []
    trained = {}
    for name, settings in compare.candidates.items():
        trainer = Trainer(
            settings=_settings(config, trainer=settings, candidate=name),
            training_job=places.training_job,
            **of_training,
        )
        model = trainer.with_id(f"Trainer-{name}").outputs["model"]
        serving_check = ServingCheck(model=model, settings=config.serving_check).with_id(f"ServingCheck-{name}")
        nodes += [trainer, serving_check]
        trained[name] = TrainedCandidate(model, trainer.outputs["model_run"], serving_check.outputs["blessing"])
    # Chooses by targets that no candidate was trained on, and measures all candidates on the eval split.
    comparison = ModelComparison(
        candidates=trained,
        compare=compare,
        examples=interactions.examples,
        data_blessing=of_training["data_blessing"],
        baseline_model=last_model,
        settings=config.evaluation,
        gate=config.gate,
        weighted=config.log.event_weights is not None,
        serving=config.serving,
    )
    outputs = comparison.outputs
    return Made(
        [*nodes, comparison],
        outputs["model"],
        outputs["model_run"],
        outputs["infra_blessing"],
        outputs["comparison"],
    )
