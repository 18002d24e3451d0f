"""Defines the whole configuration of one pipeline, as in its YAML file."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from configs.base import Settings
from configs.catalogue import Catalogue
from configs.compare import Compare
from configs.data_gate import DataGateSettings
from configs.evaluation import Evaluation, Gate
from configs.ids import Ids
from configs.leave_out import FromWeight
from configs.log import Log
from configs.models import AnyModel, TwoTower
from configs.push import PushSettings, ServingCheckSettings
from configs.retraining import Retraining
from configs.runs import Runs
from configs.service.section import Service
from configs.serving import Serving
from configs.tuner import Tuner
from configs.vertex.section import Vertex

_LOCAL_RUNNER = "--runner=FnApiRunner"


class PipelineConfig(Settings):
    """One pipeline.

    Example:
        name: shop
        log:
          path: events-*.csv
        catalogue:
          path: articles.csv
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
    """The pipeline's name, in TFX, in the metadata store and on Vertex: lower-case letters, digits and dashes."""

    log: Log
    """The interaction log."""

    catalogue: Catalogue | None = None
    """The items that can be recommended. None: the items of the log, with their ids as titles."""

    ids: Ids = Ids()
    """How the ids of users and items are read."""

    schema_dir: str = "schemas"
    """Folder of curated schemas, `<schema_dir>/<name>/interactions.pbtxt` and `catalogue.pbtxt`. A schema that is
    missing is inferred from the data. Relative paths start at the YAML's folder."""

    data_gate: DataGateSettings = DataGateSettings()
    """When DataGate stops a run because of its data."""

    trainer: AnyModel = TwoTower()
    """The model and its training."""

    retraining: Retraining | None = None
    """When training is due. None: in every run whose data, config or code has changed."""

    compare: Compare | None = None
    """Which models `perennial compare` compares. None: `perennial compare` compares each kind with its default
    settings, and other runs train `trainer`."""

    tuner: Tuner | None = None
    """The search for better settings of `trainer`. None: runs train with the settings of this file."""

    serving: Serving = Serving()
    """The signatures of the exported model."""

    evaluation: Evaluation = Evaluation()
    """How a model is measured."""

    gate: Gate = Gate()
    """Which model RetrievalEvaluator blesses."""

    serving_check: ServingCheckSettings = ServingCheckSettings()
    """What a model must do in a process of its own before it is pushed."""

    push: PushSettings = PushSettings()
    """What is kept in the serving folder."""

    runs: Runs = Runs()
    """How local runs share a folder, and which of them are kept."""

    output_dir: str = "runs"
    """Artifacts, metadata and pushed models of local runs, in a folder named as the pipeline. Relative paths start at
    the YAML's folder. Runs of a sample config of the installed package go to `runs` in the current folder."""

    beam_pipeline_args: tuple[str, ...] = (
        _LOCAL_RUNNER,
        "--direct_running_mode=in_memory",
        "--direct_num_workers=1",
        "--sdk_container_image=none",
    )
    """Flags for every Beam component. Default: one process, the fastest for data that fits one machine. Flags without
    `--runner` get the default's. Beam's own default, `DirectRunner`, first tries to download another runner (Prism)
    from GitHub, whose errors have another type. Without the image flag, even with the value `none`, TFX packs itself
    for remote workers at the start of each component, which takes 1.5 seconds."""

    enable_cache: bool = True
    """Whether a component whose inputs, config and code did not change reuses the result of the last run."""

    service: Service = Service()
    """The service that answers HTTP from the pushed model."""

    vertex: Vertex | None = None
    """Where the pipeline runs on Vertex AI; needed only there."""

    @model_validator(mode="after")
    def _order_of_histories_follows_from_the_log(self) -> "PipelineConfig":
        is_ordered = self.log.columns.timestamp is not None and self.log.split.method != "random"
        by_time = self.log.split.method == "time"
        # The config is frozen, and not yet in use.
        object.__setattr__(self, "trainer", _decided(self.trainer, is_ordered, by_time, "trainer"))
        if self.compare is not None:
            candidates = {
                name: _decided(model, self.trainer.is_ordered, by_time, f"compare.candidates.{name}")
                for name, model in self.compare.candidates.items()
            }
            object.__setattr__(self, "compare", self.compare.model_copy(update={"candidates": candidates}))
        return self

    def refreshed(self) -> "PipelineConfig":
        """The same config, whose runs take today's items into the last blessed model and train nothing."""
        trainer = self.trainer.model_copy(update={"learn": False, "warm_start": True})
        candidates = {
            name: model.model_copy(update={"learn": False, "warm_start": True})
            for name, model in (self.compare.candidates if self.compare else {}).items()
        }
        compare = (
            self.compare.model_copy(update={"candidates": candidates, "every_run": False}) if self.compare else None
        )
        return self.model_copy(update={"trainer": trainer, "compare": compare})

    def compared(self) -> "PipelineConfig":
        """The same config, whose runs compare: its own candidates, or all kinds, among them `trainer` as it is."""
        if self.compare is not None:
            compare = self.compare.model_copy(update={"every_run": True})
            return self.model_copy(update={"compare": compare})
        kinds: dict[str, AnyModel] = {model.kind: model for model in (*Compare().candidates.values(), self.trainer)}
        return PipelineConfig.model_validate({**dict(self), "compare": Compare(candidates=kinds, every_run=True)})

    def searched(self) -> "PipelineConfig":
        """The same config with a section `tuner`, which a search needs; the default one if it has none."""
        return self if self.tuner is not None else self.model_copy(update={"tuner": Tuner()})

    @model_validator(mode="after")
    def _what_is_left_out_follows_from_the_log(self) -> "PipelineConfig":
        weights, rule = self.log.event_weights, self.serving.leave_out
        if rule is None:
            is_later = self.log.split.method != "random"
            rule = FromWeight(from_weight=max(weights.values())) if weights and is_later else "everything"
            resolved = self.serving.model_copy(update={"leave_out": rule})
            object.__setattr__(self, "serving", resolved)  # as above
        elif isinstance(rule, FromWeight):
            if not weights:
                raise ValueError(
                    "serving.leave_out: from_weight needs log.event_weights, because without them all interactions "
                    "weigh the same; set everything or nothing"
                )
            if rule.from_weight > max(weights.values()):
                raise ValueError(
                    f"serving.leave_out: no event of log.event_weights weighs {rule.from_weight:g}; the heaviest "
                    f"weighs {max(weights.values()):g}. If nothing is to be left out, set leave_out: nothing"
                )
        return self

    @model_validator(mode="after")
    def _recent_popularity_follows_from_the_log(self) -> "PipelineConfig":
        if self.gate.better_than_recent_popularity is None:
            resolved = self.gate.model_copy(update={"better_than_recent_popularity": self.log.split.method == "time"})
            object.__setattr__(self, "gate", resolved)  # as above
        if self.log.columns.timestamp is None:
            if self.gate.better_than_recent_popularity:
                raise ValueError(
                    "gate.better_than_recent_popularity needs times, and the log has none: name its time column, "
                    "log.columns.timestamp, or set it to false"
                )
            candidates = self.compare.candidates if self.compare else {}
            for section, model in {
                "trainer": self.trainer,
                **{f"compare.candidates.{name}": each for name, each in candidates.items()},
            }.items():
                if model.needs_times is not None:
                    raise ValueError(
                        f"{section}.{model.needs_times} needs times, and the log has none: name its time column, "
                        "log.columns.timestamp, or leave this setting out"
                    )
        return self

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the config allows and nobody would want, with what to set instead."""
        found = []
        if self.trainer.ordered_history and self.log.split.method == "random":
            found.append(
                "trainer.ordered_history is true, but log.split.method 'random' holds out interactions from the middle "
                "of a history: the model is trained on one question and judged on another. Set ordered_history: false, "
                "or split by leave_last or time."
            )
        return tuple(found)

    @field_validator("beam_pipeline_args")
    @classmethod
    def _runner_is_named(cls, flags: tuple[str, ...]) -> tuple[str, ...]:
        named = any(flag == "--runner" or flag.startswith("--runner=") for flag in flags)
        return flags if named else (_LOCAL_RUNNER, *flags)


def _decided(model: AnyModel, is_ordered: bool, by_time: bool, section: str) -> AnyModel:
    """The settings of a model, decided about the order of histories, and about the targets to choose by."""
    if by_time and model.validation is None:
        model = model.model_copy(update={"validation": "time"})
    if model.ordered_history is not None:
        return model
    if model.needs_order is not None and not is_ordered:
        raise ValueError(
            f"{section}: {model.needs_order} needs histories with an order in time, but the log has no timestamps or "
            "is split at random; choose another, or give log.columns.timestamp and split by leave_last or time"
        )
    return model.model_copy(update={"ordered_history": is_ordered})
