"""The wiring: the compiled Vertex job, held against a golden file, and its edges."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from tfx.orchestration.pipeline import Pipeline

from common.errors import ConfigError, DataSetError
from configs.content_features import CategoryFeature
from configs.load import DEFAULT_CONFIG, load_config
from configs.retraining import Retraining
from configs.tuner import Tuner
from pipeline.pipeline import create_pipeline
from pipeline.runners.places import local_places, vertex_places
from pipeline.runners.vertex.compile import compile_job

GOLDEN = Path(__file__).parent / "golden" / "movielens-100k.json"
UPDATE = "UPDATE_GOLDEN"


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("job")
    compile_job(load_config(DEFAULT_CONFIG), str(folder))
    compiled: dict[str, Any] = json.loads((folder / "pipeline.json").read_text())
    return compiled


def _tasks(job: dict[str, Any]) -> dict[str, Any]:
    tasks: dict[str, Any] = job["pipelineSpec"]["root"]["dag"]["tasks"]
    return tasks


def _producer(job: dict[str, Any], task: str, channel: str) -> tuple[str, str]:
    """Which output of which task feeds an input channel."""
    inputs = _tasks(job)[task]["inputs"]["artifacts"]
    source = inputs[channel]["taskOutputArtifact"]
    return source["producerTask"], source["outputArtifactKey"]


def test_compiled_job_equals_the_golden_one(job: dict[str, Any]) -> None:
    # Digests of code and config change with every line of code; versions are the line's.
    text = re.sub(r"\b[0-9a-f]{64}\b", "<digest>", json.dumps(job, indent=1, sort_keys=True))
    text = re.sub(r"tfx-\d[\d.]*", "tfx-<version>", text)
    text = re.sub(r'"tfx_version": "[^"]*"', '"tfx_version": "<version>"', text)
    text = re.sub(r'"tfx_py_version": "[^"]*"', '"tfx_py_version": "<version>"', text)
    if os.environ.get(UPDATE):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text(), (
        f"the job changed; if it was meant to, run this test with {UPDATE}=1 and read the diff"
    )


def test_compiled_job_candidates_come_from_the_catalogue(job: dict[str, Any]) -> None:
    assert _producer(job, "Trainer", "candidates") == ("CatalogueTransform", "transformed_examples")
    assert _producer(job, "Trainer", "candidates_transform_graph") == ("CatalogueTransform", "transform_graph")
    assert _producer(job, "Trainer", "examples") == ("InteractionTransform", "transformed_examples")


def test_compiled_job_trainer_waits_for_the_gate_and_the_gate_for_both_validators(job: dict[str, Any]) -> None:
    assert _producer(job, "Trainer", "data_blessing")[0] == "DataGate"
    assert _producer(job, "DataGate", "interaction_anomalies")[0] == "InteractionsExampleValidator"
    assert _producer(job, "DataGate", "catalogue_anomalies")[0] == "CatalogueExampleValidator"
    assert _producer(job, "CatalogueGen", "interactions") == ("InteractionGen", "examples")


def test_compiled_job_gate_compares_both_data_sets_with_the_last_blessed_model(job: dict[str, Any]) -> None:
    for data, begins, name in (
        ("interactions", "interaction", "Interactions"),
        ("catalogue", "catalogue", "Catalogue"),
    ):
        gen = "InteractionGen" if data == "interactions" else "CatalogueGen"
        assert _producer(job, "DataGate", data) == (gen, "examples")
        assert _producer(job, "DataGate", f"{begins}_statistics") == (f"{name}StatisticsGen", "statistics")
        assert _producer(job, "DataGate", f"{begins}_schema") == (f"{name}SchemaGen", "schema")
    last_model = ("LiveModelResolver", "model")
    assert _producer(job, "DataGate", "last_model") == last_model
    assert _producer(job, "Trainer", "base_model") == last_model
    assert _producer(job, "RetrievalEvaluator", "baseline_model") == last_model


def _with_tuner(tmp_path: Path, **tuner: Any) -> dict[str, Any]:
    config = load_config(DEFAULT_CONFIG).model_copy(update={"tuner": Tuner.model_validate(tuner)})
    compile_job(config, str(tmp_path))
    compiled: dict[str, Any] = json.loads((tmp_path / "pipeline.json").read_text())
    return compiled


def test_compiled_job_with_tuner_trains_with_what_the_newest_search_found(tmp_path: Path) -> None:
    job = _with_tuner(tmp_path)
    assert "Tuner" not in _tasks(job)
    assert _producer(job, "Trainer", "hyperparameters") == ("HyperParametersResolver", "hyperparameters")
    # The newest search is another one tomorrow, though nothing that the task is given has changed.
    assert not _tasks(job)["HyperParametersResolver"]["cachingOptions"].get("enableCache")
    folder = _tasks(job)["HyperParametersResolver"]["inputs"]["parameters"]["work_dir"]
    assert "gs://example-bucket" in json.dumps(folder) and "tuning/movielens-100k" in json.dumps(folder)


def test_compiled_job_that_searches_by_itself_has_a_tuner_before_the_trainer(tmp_path: Path) -> None:
    job = _with_tuner(tmp_path, every_days=7)
    assert _producer(job, "Trainer", "hyperparameters") == ("Tuner", "best_hyperparameters")
    assert _producer(job, "Tuner", "hyperparameters") == ("HyperParametersResolver", "hyperparameters")
    for channel in ("examples", "transform_graph", "candidates", "candidates_transform_graph", "data_blessing"):
        assert _producer(job, "Tuner", channel) == _producer(job, "Trainer", channel)


def test_compiled_job_without_tuner_has_no_trace_of_one(job: dict[str, Any]) -> None:
    assert not {"Tuner", "HyperParametersResolver"} & _tasks(job).keys()
    assert "hyperparameters" not in _tasks(job)["Trainer"]["inputs"]["artifacts"]


def test_compiled_job_with_retraining_asks_the_live_model_before_the_trainer(
    job: dict[str, Any], tmp_path: Path
) -> None:
    config = load_config(DEFAULT_CONFIG).model_copy(update={"retraining": Retraining()})
    compile_job(config, str(tmp_path))
    asking: dict[str, Any] = json.loads((tmp_path / "pipeline.json").read_text())
    assert _producer(asking, "Trainer", "decision") == ("RetrainingCheck", "decision")
    assert _producer(asking, "RetrainingCheck", "last_model") == ("LiveModelResolver", "model")
    assert _producer(asking, "RetrainingCheck", "data_blessing")[0] == "DataGate"
    assert _producer(asking, "RunReport", "retraining") == ("RetrainingCheck", "decision")
    # What it takes for a change of code must be what the trainer would record.
    asked = json.dumps(_tasks(asking)["RetrainingCheck"]["inputs"]["parameters"]["trainer"])
    digest = _tasks(asking)["Trainer"]["inputs"]["parameters"]["code_digest"]["runtimeValue"]["constant"]
    assert digest in asked
    assert "RetrainingCheck" not in _tasks(job) and "decision" not in _tasks(job)["Trainer"]["inputs"]["artifacts"]


def test_pipeline_that_compares_or_searches_trains_whether_due_or_not(tmp_path: Path) -> None:
    config = load_config(DEFAULT_CONFIG).model_copy(update={"retraining": Retraining(), "tuner": Tuner()})
    nodes = {search: _nodes(create_pipeline(config, vertex_places(config), search=search)) for search in (False, True)}
    assert "RetrainingCheck" in nodes[False] and "RetrainingCheck" not in nodes[True]
    assert "RetrainingCheck" not in _nodes(create_pipeline(config.compared(), vertex_places(config)))


def _nodes(pipeline: Pipeline) -> set[str]:
    return {node.id for node in pipeline.components}


def test_compiled_job_evaluator_judges_by_the_serving_checks_word_too(job: dict[str, Any]) -> None:
    assert _producer(job, "RetrievalEvaluator", "infra_blessing") == ("ServingCheck", "blessing")
    assert _producer(job, "RetrievalEvaluator", "model") == _producer(job, "ServingCheck", "model")
    assert _producer(job, "Pusher", "infra_blessing") == ("ServingCheck", "blessing")


def test_compiled_job_pusher_gets_what_the_service_needs_through_channels(job: dict[str, Any]) -> None:
    assert _producer(job, "Pusher", "interactions") == ("InteractionGen", "examples")
    assert _producer(job, "Pusher", "catalogue") == ("CatalogueGen", "examples")
    assert _producer(job, "Pusher", "evaluation") == ("RetrievalEvaluator", "evaluation")
    parameters = json.dumps(_tasks(job)["Pusher"]["inputs"]["parameters"]["service_data"])
    assert "gs://" not in parameters and "max_history" in parameters


def test_compiled_job_custom_config_holds_no_path(job: dict[str, Any]) -> None:
    for task in _tasks(job).values():
        for name, value in task.get("inputs", {}).get("parameters", {}).items():
            if name == "custom_config":
                assert not re.search(r"gs://|file://|[{]{2}[$]|\"/", json.dumps(value)), task["taskInfo"]["name"]


def test_compiled_job_names_no_path_of_this_machine(job: dict[str, Any]) -> None:
    assert str(Path.cwd()) not in json.dumps(job)
    assert str(Path.home()) not in json.dumps(job)


def test_vertex_places_without_section_names_what_to_add() -> None:
    config = load_config(DEFAULT_CONFIG).model_copy(update={"vertex": None})
    with pytest.raises(ConfigError, match="no 'vertex' section"):
        vertex_places(config)


def test_compile_job_without_section_says_what_to_add(tmp_path: Path) -> None:
    config = load_config(DEFAULT_CONFIG).model_copy(update={"vertex": None})
    with pytest.raises(ConfigError, match="Add vertex: with pipeline_root, data_dir, serving_dir and image"):
        compile_job(config, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_places_image_is_vertexs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(DEFAULT_CONFIG)
    assert config.vertex is not None
    assert vertex_places(config).image == config.vertex.image
    monkeypatch.setenv("PERENNIAL_DATA", str(tmp_path))
    (tmp_path / config.name).mkdir()
    assert local_places(config).image is None


def test_vertex_places_data_set_is_looked_for_in_the_buckets_folder() -> None:
    config = load_config(DEFAULT_CONFIG)
    assert config.vertex is not None
    assert vertex_places(config).log_paths == f"{config.vertex.data_dir}/movielens-100k/ratings.tsv"


def test_vertex_places_path_of_this_machine_refused() -> None:
    config = load_config(DEFAULT_CONFIG)
    local = config.model_copy(update={"log": config.log.model_copy(update={"path": "/data/log.csv"})})
    with pytest.raises(ConfigError, match=r"/data/log\.csv is a path of this machine"):
        vertex_places(local)


def test_vertex_places_curated_schema_without_bucket_folder_refused(tmp_path: Path) -> None:
    config = load_config(DEFAULT_CONFIG)
    (tmp_path / config.name).mkdir()
    (tmp_path / config.name / "interactions.pbtxt").touch()
    assert config.vertex is not None
    nowhere = config.model_copy(
        update={"schema_dir": str(tmp_path), "vertex": config.vertex.model_copy(update={"schema_dir": None})}
    )
    with pytest.raises(ConfigError, match=r"vertex\.schema_dir"):
        vertex_places(nowhere)


def test_local_places_data_set_not_fetched_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_DATA", str(tmp_path))
    with pytest.raises(DataSetError, match="perennial datasets fetch movielens-100k"):
        local_places(load_config(DEFAULT_CONFIG))


def test_artifact_types_are_found_by_their_names() -> None:
    from tfx.utils import import_utils

    from pipeline.ground.artifacts import DataBlessing

    assert import_utils.import_class_by_path(DataBlessing.TYPE_NAME) is DataBlessing


def test_curated_schema_edited_has_another_digest(tmp_path: Path) -> None:
    config = load_config(DEFAULT_CONFIG).model_copy(update={"schema_dir": str(tmp_path)})
    curated = tmp_path / config.name / "catalogue.pbtxt"
    curated.parent.mkdir()
    curated.write_text('feature { name: "item_id" type: BYTES }')
    before = vertex_places(config).catalogue_schema
    curated.write_text('feature { name: "item_id" type: INT }')
    after = vertex_places(config).catalogue_schema
    assert before is not None
    assert after is not None
    assert before.path == after.path
    assert before.digest != after.digest


def test_compiled_job_curated_schema_is_keyed_by_its_content(job: dict[str, Any]) -> None:
    parameters = _tasks(job)["InteractionsSchemaGen"]["inputs"]["parameters"]
    schema = DEFAULT_CONFIG.parent / "schemas" / "movielens-100k" / "interactions.pbtxt"
    digest = hashlib.sha256(schema.read_bytes()).hexdigest()
    assert digest in json.dumps(parameters["schema_digest"])


def test_compiled_job_does_not_depend_on_the_order_of_keys(tmp_path: Path) -> None:
    # What `config_digest` relies on: a component that got features in another order would learn another model.
    config = load_config(DEFAULT_CONFIG)
    assert config.catalogue is not None
    weights = {"view": 1.0, "buy": 2.0}
    features = {**config.catalogue.features, "flagged": CategoryFeature(flags={"b": "x", "a": "y"})}
    turned = {**features, "flagged": CategoryFeature(flags={"a": "y", "b": "x"})}
    jobs = []
    for of_events, content in (
        (weights, features),
        (dict(reversed(weights.items())), dict(reversed(turned.items()))),
    ):
        log = config.log.model_copy(update={"event_weights": of_events})
        catalogue = config.catalogue.model_copy(update={"features": content})
        compile_job(config.model_copy(update={"log": log, "catalogue": catalogue}), str(tmp_path))
        jobs.append(json.loads((tmp_path / "pipeline.json").read_text()))
    assert "flagged" in json.dumps(jobs[0]) and jobs[0] == jobs[1]


def test_places_with_events_are_those_of_an_export(tmp_path: Path) -> None:
    config = load_config(DEFAULT_CONFIG)
    vertex = config.vertex
    assert vertex is not None
    data = {"log": config.log.model_copy(update={"events": True}), "output_dir": str(tmp_path)}
    config = config.model_copy(update=data)
    with pytest.raises(ConfigError, match=r"vertex\.events_dir does not name the bucket folder"):
        vertex_places(config)
    log = f"{vertex.data_dir}/movielens-100k/ratings.tsv"
    bucket = log.split("/")[2]

    def placed(folder: str) -> str | dict[str, str]:
        changed = vertex.model_copy(update={"events_dir": folder})
        return vertex_places(config.model_copy(update={"vertex": changed})).log_paths

    assert placed(f"gs://{bucket}/shop/events/") == {
        "log": log,
        "events": f"gs://{bucket}/shop/events/events-*.parquet",
        "forgotten": f"gs://{bucket}/shop/events/forgotten.*",
        "statistics": f"gs://{bucket}/shop/events/events.json",
    }
    with pytest.raises(ConfigError, match="must be in one bucket"):
        placed("gs://another-bucket/events")
