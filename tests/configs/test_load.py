"""Reading a YAML: what comes out, and what a person reads when it does not fit."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

import configs
from common.errors import ConfigError
from configs.load import CONFIG_VARIABLE, config_digest, config_from_environment, digest_beside_models, load_config
from configs.pipeline import PipelineConfig

YAML_FILES = sorted(Path(configs.__file__).parent.glob("*.yaml"))


def written(folder, **fields):
    """A YAML of the smallest config plus fields, whose names are dotted paths with `__` for the dot."""
    values: dict[str, Any] = {"name": "sample", "log": {"path": "log.csv"}}
    for path, value in fields.items():
        *parents, last = path.split("__")
        node = values
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    file = folder / "sample.yaml"
    file.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return file


def complaint(folder, **fields):
    """The message about a config, without its first line, which names the file."""
    file = written(folder, **fields)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    first, *lines = str(caught.value).splitlines()
    assert str(file) in first
    return "\n".join(lines)


def test_yaml_files_each_pipeline_is_there():
    assert {file.stem for file in YAML_FILES} >= {
        "books-40m",
        "goodbooks-10k",
        "movielens-100k",
        "movietweetings",
        "retailrocket",
    }


@pytest.mark.parametrize("file", YAML_FILES, ids=lambda file: file.stem)
def test_yaml_file_of_the_project_loads_under_its_own_name(file):
    assert load_config(file).name == file.stem


def test_retailrocket_yaml_weighs_events_and_has_no_catalogue():
    config = load_config(next(file for file in YAML_FILES if file.stem == "retailrocket"))
    assert config.log.event_weights == {"view": 0.5, "addtocart": 2, "transaction": 6}
    assert config.log.cleaning.deduplicate == "sum"
    assert config.catalogue is None


def test_relative_paths_start_at_the_folder_of_the_yaml(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    config = load_config(written(tmp_path, log__path="in/*.csv", catalogue__path="items.csv", output_dir="../out"))
    assert config.log.path == str(tmp_path / "in/*.csv")
    assert config.catalogue is not None
    assert config.catalogue.path == str(tmp_path / "items.csv")
    assert config.output_dir == str(tmp_path.parent / "out")


def test_output_dir_default_is_beside_the_yaml(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    assert load_config(written(tmp_path)).output_dir == str(tmp_path / "runs")


@pytest.mark.parametrize("file", YAML_FILES, ids=lambda file: file.stem)
def test_output_dir_of_the_projects_yaml_files_is_at_the_root_of_the_checkout(file):
    assert load_config(file).output_dir == str(Path(configs.__file__).resolve().parents[1] / "runs")


def test_output_dir_of_a_sample_in_an_installed_package_is_in_the_current_folder(tmp_path, monkeypatch):
    here, package = tmp_path / "here", tmp_path / "site-packages" / "configs"
    here.mkdir()
    package.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setattr("configs.load._SAMPLES_DIR", package)
    file = written(package, output_dir="../runs")
    assert load_config(file).output_dir == str(here / "runs")
    (package.parent / "pyproject.toml").touch()  # a checkout
    assert load_config(file).output_dir == str(package.parent / "runs")


@pytest.mark.parametrize("path", ["gs://bucket/log-*.csv", "dataset://name/file.csv", "/absolute/log.csv"])
def test_paths_that_are_not_relative_stay_as_they_are(tmp_path, path):
    assert load_config(written(tmp_path, log__path=path)).log.path == path


def test_given_split_keeps_a_path_per_split(tmp_path):
    file = written(tmp_path, log__path={"train": "a.csv", "eval": "gs://b/c.csv"}, log__split__method="given")
    assert load_config(file).log.path == {"train": str(tmp_path / "a.csv"), "eval": "gs://b/c.csv"}


def test_config_is_frozen(tmp_path):
    config = load_config(written(tmp_path))
    with pytest.raises(ValidationError, match="frozen"):
        config.name = "other"
    with pytest.raises(ValidationError, match="frozen"):
        config.log.cleaning.top_items = 3


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"log__cleaning__positive_mni": 4},
            "log.cleaning.positive_mni: no such field; allowed here: deduplicate, max_bad_fraction, "
            "max_future_seconds, max_quarantine_rows, min_user_events, positive_min, top_items, window_days. "
            "Received: 4",
        ),
        (
            {"catalogue": {"path": "a", "features": {"words": {"kind": "text", "column": "a", "seperator": ","}}}},
            "catalogue.features.words.seperator: no such field; allowed here: column, kind, max_vocabulary, tokens. "
            "Received: ','",
        ),
        (
            {"trainer__epochs": "many"},
            "trainer.epochs: Input should be a valid integer. Received: 'many' (line 5)",
        ),
        ({"trainer__epochs": 0}, "trainer.epochs: Input should be greater than or equal to 1. Received: 0"),
        ({"trainer__optimizer": "sgd"}, "trainer.optimizer: Input should be 'adam' or 'adagrad'. Received: 'sgd'"),
        ({"trainer__learning_rate": float("nan")}, "trainer.learning_rate: Input should be a finite number"),
        ({"trainer__temperature": float("inf")}, "trainer.temperature: Input should be a finite number"),
        ({"trainer__batch_size": 1}, "trainer.batch_size: Input should be greater than or equal to 2. Received: 1"),
        ({"trainer__eval_top_k": [0]}, "trainer: eval_top_k must hold positive integers; received (0,)"),
        ({"catalogue": {"title": 1}}, "catalogue.path: Field required. Received: {'title': 1}"),
        ({"name": "Bad Name"}, "name: String should match pattern '^[a-z][a-z0-9-]{0,62}$'. Received: 'Bad Name'"),
        (
            {"log__columns__user_id": [1]},
            "log.columns.user_id: Input should be a valid string; or: Input should be a valid integer. Received: [1]",
        ),
        (
            {"log__columns__user_id": -1},
            "log.columns.user_id: Input should be a valid string; or: Input should be greater than or equal to 0. "
            "Received: -1",
        ),
        ({"log__event_weights": {"view": 0}}, "log.event_weights.view: Input should be greater than 0. Received: 0"),
        (
            {"log__event_weights": {"view": 1}},
            "log: event_weights needs columns.value, the column of the event type",
        ),
        (
            {"log__split__method": "given"},
            "log: split.method 'given' and a path that maps 'train' and 'eval' to globs go together; "
            "received method 'given' and path 'log.csv'",
        ),
        (
            {"log__path": {"train": "a"}, "log__split__method": "given"},
            "log: path must name both 'train' and 'eval'; received ['train']",
        ),
        (
            {"log__split__method": "time"},
            "log: split.method 'time' and cleaning.window_days need columns.timestamp",
        ),
        (
            {"log__format__header": False},
            "log: without a header, columns must be given by position; received names ['user_id', 'item_id']",
        ),
        (
            {"log__format__kind": "jsonl", "log__columns__value": 2},
            "log: columns of JSON Lines are given by name; received positions [2]",
        ),
        (
            {"log__format__separator": "::"},
            "log.format: a separator of several characters ('::') cannot be quoted: set quote: ''",
        ),
        (
            {"log__format__separator": "\n"},
            "log.format.separator: a line end separates rows, so it cannot separate columns. Received: '\\n'",
        ),
        (
            {"log__format": {"separator": "|\r", "quote": ""}},
            "log.format.separator: a line end separates rows, so it cannot separate columns.",
        ),
        (
            {"log__format__quote": "«"},
            "log.format.quote: must be one ASCII character other than a line end, or '' for none. Received: '«'",
        ),
        ({"log__format__quote": "\n"}, "log.format.quote: must be one ASCII character other than a line end"),
        (
            {"log__format": {"separator": "'", "quote": "'"}},
            "log.format: separator and quote are both \"'\"; set quote: '' if nothing is quoted",
        ),
        ({"log__columns": {"user_id": "id", "item_id": "id"}}, "log.columns: user_id and item_id are both column 'id'"),
        (
            {"log__cleaning__positive_min": 4},
            "log: cleaning.positive_min needs columns.value, or cleaning.deduplicate: sum to count events",
        ),
        ({"log__columns__value": "event", "log__event_weights": {}}, "log.event_weights: Dictionary should have at"),
        (
            {"log__columns__value": "event", "log__event_weights": {"view": 1e39}},
            "log.event_weights.view: Input should be less than or equal to 34028234663852",
        ),
        ({"log__path": ""}, "log: path is empty; name the files, or a glob of them. Received: {'path': ''}"),
        ({"log__path": {"train": "a", "eval": ""}, "log__split__method": "given"}, "log: path is empty"),
        ({"catalogue__path": ""}, "catalogue: path is empty; name the files, or a glob of them"),
        ({"log__split__seed": -1}, "log.split.seed: Input should be greater than or equal to 0. Received: -1"),
        ({"trainer__seed": -1}, "trainer.seed: Input should be greater than or equal to 0. Received: -1"),
        (
            {"data_gate__ignore_anomalies": ["SCHEMA_NEW_COLUMN", "TYPO"]},
            "data_gate.ignore_anomalies: no such anomaly: TYPO; allowed: ",
        ),
        (
            {"catalogue": {"path": "a", "format": {"header": False}, "item_id": 0}},
            "catalogue: without a header, columns must be given by position; received names ['title']",
        ),
        (
            {
                "catalogue": {
                    "path": "a",
                    "format": {"header": False},
                    "item_id": 0,
                    "title": None,
                    "features": {
                        "words": {"kind": "text", "column": "about"},
                        "genre": {"kind": "category", "flags": {"Action": 1, "Drama": "drama"}},
                    },
                }
            },
            "catalogue: without a header, columns must be given by position; received names ['about', 'drama']",
        ),
        (
            {"catalogue": {"path": "a", "features": {"genre": {"kind": "category", "flags": {}}}}},
            "catalogue.features.genre.flags: Dictionary should have at least 1 item",
        ),
        (
            {"catalogue": {"path": "a", "features": {"genre": {"column": "a"}}}},
            "catalogue.features.genre: has no 'kind'; allowed: 'text', 'category', 'number'. Received: {'column': 'a'}",
        ),
        (
            {"catalogue": {"path": "a", "features": {"genre": {"kind": "txt", "column": "a"}}}},
            "catalogue.features.genre: Input tag 'txt' found using 'kind' does not match any of the expected tags: "
            "'text', 'category', 'number'.",
        ),
        (
            {"catalogue": {"path": "a", "features": {"genre": {"kind": "category"}}}},
            "catalogue.features.genre: a category has either 'column' or 'flags'. Received: {'kind': 'category'}",
        ),
        (
            {"catalogue": {"path": "a", "features": {"title": {"kind": "text", "column": "a"}}}},
            "catalogue.features: a feature's name must be an identifier other than item_id and title; received 'title'",
        ),
        (
            {"catalogue": {"path": "a", "features": {"year": {"kind": "number", "column": "a", "pattern": "(\\d"}}}},
            "catalogue.features.year.pattern: is not a regular expression: ",
        ),
        (
            {"catalogue": {"path": "a", "features": {"year": {"kind": "number", "column": "a", "pattern": "\\d+"}}}},
            "catalogue.features.year.pattern: needs a group, in brackets, around the number. Received: '\\\\d+'",
        ),
        (
            {"vertex": {"pipeline_root": "s3://a", "data_dir": "gs://a", "serving_dir": "gs://a", "image": "a"}},
            "vertex.pipeline_root: must be a folder of a Cloud Storage bucket, such as gs://my-bucket/folder. "
            "Received: 's3://a'",
        ),
        (
            {"vertex": {"schedule": {"cron": "0 3 * * *", "time_zone": "Berlin"}}},
            "vertex.schedule.time_zone: must be a name of the IANA time zone database, such as Europe/Berlin or "
            "Etc/UTC. Received: 'Berlin'",
        ),
        (
            {"trainer": {"query": "attention"}},
            "trainer: query: attention needs histories with an order in time, but the log has no timestamps",
        ),
        (
            {"trainer": {"query": "attention", "ordered_history": False}},
            "query: attention needs ordered_history, which is false",
        ),
        (
            {"vertex": {"dataflow": {"image": "a", "setup_file": "b"}}},
            "vertex.dataflow: image and setup_file exclude each other",
        ),
    ],
)
def test_load_with_a_field_that_does_not_fit_names_field_value_and_what_is_allowed(tmp_path, fields, expected):
    assert expected in complaint(tmp_path, **fields)


def test_load_of_counted_events_without_a_value_column_may_ask_for_several(tmp_path):
    cleaning = {"deduplicate": "sum", "positive_min": 3}
    assert load_config(written(tmp_path, log__cleaning=cleaning)).log.cleaning.positive_min == 3


def test_load_of_anomalies_of_tfdv_keeps_them(tmp_path):
    config = load_config(written(tmp_path, data_gate__ignore_anomalies=["SCHEMA_NEW_COLUMN"]))
    assert config.data_gate.ignore_anomalies == ("SCHEMA_NEW_COLUMN",)


@pytest.mark.parametrize(
    ("method", "given", "counts"),
    [("time", None, True), ("time", False, False), ("leave_last", None, False), ("leave_last", True, True)],
)
def test_recent_popularity_counts_in_the_gate_if_the_split_is_one_in_time(tmp_path, method, given, counts):
    gate = {} if given is None else {"gate": {"better_than_recent_popularity": given}}
    log = {"path": "log.csv", "columns": {"timestamp": "time"}, "split": {"method": method}}
    file = tmp_path / "sample.yaml"
    file.write_text(yaml.safe_dump({"name": "sample", "log": log, **gate}))
    assert load_config(file).gate.better_than_recent_popularity is counts


@pytest.mark.parametrize(
    "section", [{"trainer": {"kind": "popularity", "days": 7}}, {"gate": {"better_than_recent_popularity": True}}]
)
def test_last_days_of_a_log_without_times_are_refused(tmp_path, section):
    file = tmp_path / "sample.yaml"
    file.write_text(yaml.safe_dump({"name": "sample", "log": {"path": "log.csv"}, **section}))
    with pytest.raises(ConfigError, match=r"needs times, and the log has none: name its time column"):
        load_config(file)


@pytest.mark.parametrize(
    ("log", "given", "ordered", "warned"),
    [
        ({}, None, False, False),
        ({"columns": {"timestamp": "time"}}, None, True, False),
        ({"columns": {"timestamp": "time"}, "split": {"method": "time"}}, None, True, False),
        ({"columns": {"timestamp": "time"}, "split": {"method": "random"}}, None, False, False),
        ({"columns": {"timestamp": "time"}, "split": {"method": "random"}}, True, True, True),
        ({"split": {"method": "random"}}, False, False, False),
        ({}, True, True, False),
    ],
)
def test_order_of_histories_follows_from_the_log_unless_it_is_given(tmp_path, log, given, ordered, warned):
    trainer = {} if given is None else {"trainer": {"ordered_history": given}}
    file = tmp_path / "sample.yaml"
    file.write_text(yaml.safe_dump({"name": "sample", "log": {"path": "log.csv", **log}, **trainer}))
    config = load_config(file)
    assert config.trainer.ordered_history is ordered
    assert ["Set ordered_history: false" in warning for warning in config.warnings] == [True] * warned


def test_beam_flags_without_a_runner_get_the_one_of_this_process(tmp_path):
    own = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    assert load_config(written(tmp_path)).beam_pipeline_args[0] == "--runner=FnApiRunner"
    assert load_config(written(tmp_path, beam_pipeline_args=own)).beam_pipeline_args == ("--runner=FnApiRunner", *own)


@pytest.mark.parametrize("own", [["--runner=DirectRunner"], ["--temp_location=a", "--runner", "DataflowRunner"]])
def test_beam_flags_with_a_runner_keep_it(tmp_path, own):
    assert load_config(written(tmp_path, beam_pipeline_args=own)).beam_pipeline_args == tuple(own)


def test_load_with_an_unknown_top_level_field_lists_the_top_level_fields(tmp_path):
    message = complaint(tmp_path, epochs=3)
    assert message.startswith("  epochs: no such field; allowed here: ")
    allowed = message.split("allowed here: ")[1].split(".")[0].split(", ")
    assert allowed == sorted(PipelineConfig.model_fields)


def test_load_with_several_faults_names_each_in_a_line(tmp_path):
    message = complaint(tmp_path, trainer__epochs=0, serving__k="ten", log__split__holdout=-1)
    assert [line.split(":")[0].strip() for line in message.splitlines()] == [
        "log.split.holdout",
        "trainer.epochs",
        "serving.k",
    ]


def test_load_with_a_long_value_shortens_it(tmp_path):
    message = complaint(tmp_path, trainer__epochs="x" * 500)
    assert len(message) < 250


def test_load_without_a_log_names_the_missing_field(tmp_path):
    file = tmp_path / "sample.yaml"
    file.write_text("name: sample\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"log: Field required"):
        load_config(file)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"a: [1,", "is not YAML"), (b"\xff\xfe\x00", "is not YAML"), (b"- 1", "holds list"), (b"", "holds NoneType")],
)
def test_load_of_what_is_no_mapping_says_what_it_is(tmp_path, content, expected):
    file = tmp_path / "sample.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=expected):
        load_config(file)


def test_load_of_a_missing_file_names_one_that_exists(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read .*movielens-100k\.yaml"):
        load_config(tmp_path / "absent.yaml")


def test_config_from_environment_reads_the_named_file_or_movielens(tmp_path, monkeypatch):
    monkeypatch.setenv(CONFIG_VARIABLE, str(written(tmp_path)))
    assert config_from_environment().name == "sample"
    monkeypatch.delenv(CONFIG_VARIABLE)
    assert config_from_environment().name == "movielens-100k"


def test_config_digest_changes_with_what_decides_the_model_alone(tmp_path):
    digest = config_digest(load_config(written(tmp_path)))
    assert config_digest(load_config(written(tmp_path, output_dir="elsewhere", name="other"))) == digest
    assert config_digest(load_config(written(tmp_path, trainer__seed=1))) != digest
    assert config_digest(load_config(written(tmp_path, log__cleaning__top_items=5))) != digest


def test_digest_beside_models_changes_with_the_data_and_with_no_model(tmp_path):
    digest = digest_beside_models(load_config(written(tmp_path)))
    assert digest_beside_models(load_config(written(tmp_path, trainer__seed=1))) == digest
    assert digest_beside_models(load_config(written(tmp_path, compare={}))) == digest
    assert digest_beside_models(load_config(written(tmp_path, log__cleaning__top_items=5))) != digest
    assert digest_beside_models(load_config(written(tmp_path, serving={"k": 3}))) != digest


def test_config_digest_does_not_depend_on_where_comparisons_are_recorded(tmp_path):
    mlflow = {"tracking_uri": "http://localhost:5000", "experiment": "shop"}
    plain, recorded = (load_config(written(tmp_path, compare=compare)) for compare in ({}, {"mlflow": mlflow}))
    assert recorded.compare is not None
    assert recorded.compare.mlflow is not None
    assert config_digest(recorded) == config_digest(plain)


@pytest.mark.parametrize("uri", ["https://bob:hidden@mlflow.example.com", "postgresql://hidden@host/mlflow"])
def test_tracking_uri_with_a_password_is_refused_and_not_shown(tmp_path, uri):
    file = written(tmp_path, compare={"mlflow": {"tracking_uri": uri, "experiment": "shop"}})
    with pytest.raises(ConfigError, match="must hold no user and no password; set MLFLOW_TRACKING_USERNAME") as caught:
        load_config(file)
    assert "hidden" not in str(caught.value)
    assert "://***@" in str(caught.value)


def test_tracking_uri_without_a_scheme_is_refused(tmp_path):
    file = written(tmp_path, compare={"mlflow": {"tracking_uri": "mlflow", "experiment": "shop"}})
    with pytest.raises(ConfigError, match="must be a URI with its scheme, such as http://localhost:5000"):
        load_config(file)


def test_config_digest_of_one_yaml_in_two_folders_is_equal(tmp_path):
    digests = set()
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        config = load_config(written(tmp_path / name, catalogue__path="items.csv"))
        assert config.log.path == str(tmp_path / name / "log.csv")
        digests.add(config_digest(config))
    assert len(digests) == 1
    assert config_digest(load_config(written(tmp_path))) not in digests  # no catalogue is another model


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("log__event_weights", {"view": 0.5, "buy": 6}),
        ("catalogue__features", {"words": {"kind": "text", "column": "t"}, "year": {"kind": "number", "column": "y"}}),
        ("catalogue__features", {"genres": {"kind": "category", "flags": {"Western": "w", "Comedy": "c"}}}),
    ],
)
def test_config_digest_does_not_depend_on_the_order_of_keys(tmp_path, field, value):
    fields = {"log__columns__value": "event", "catalogue__path": "items.csv"}
    digests = {
        config_digest(load_config(written(tmp_path, **fields, **{field: ordered})))
        for ordered in (value, _turned_round(value))
    }
    assert len(digests) == 1


def _turned_round(value):
    """The same mapping, and those inside it, from the last key to the first."""
    if not isinstance(value, dict):
        return value
    return {key: _turned_round(of_key) for key, of_key in reversed(value.items())}


def test_config_digest_depends_on_names_and_on_the_order_of_a_list(tmp_path):
    def digest(**fields):
        return config_digest(load_config(written(tmp_path, log__columns__value="event", **fields)))

    assert digest(log__event_weights={"view": 1, "buy": 2}) != digest(log__event_weights={"view": 2, "buy": 1})
    assert digest(trainer__eval_top_k=[10, 100]) != digest(trainer__eval_top_k=[100, 10])


def every_model(model=PipelineConfig):
    """The models that a config is made of, found in the annotations."""
    found, waiting = set(), [model]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            if one not in found:
                found.add(one)
                waiting += [field.annotation for field in one.model_fields.values()]
        else:
            waiting += getattr(one, "__args__", ())
    return sorted(found, key=lambda one: one.__name__)


@pytest.mark.parametrize("model", every_model())
def test_every_field_of_every_model_is_described_closed_and_frozen(model):
    undescribed = [name for name, field in model.model_fields.items() if not field.description]
    assert not undescribed
    assert model.model_config["frozen"]
    assert model.model_config["extra"] == "forbid"


def test_every_model_finds_the_nested_ones():
    assert {"Cleaning", "TextFeature", "CategoryFeature", "NumberFeature", "Vertex", "TwoTower"} <= {
        model.__name__ for model in every_model()
    }


def test_load_column_without_a_header_may_be_a_folder_of_the_path(tmp_path):
    columns = {"user_id": 0, "item_id": 1, "timestamp": "dt"}
    fields = {"log__format__header": False, "log__columns": columns}
    assert load_config(written(tmp_path, log__path="in/dt=*/*.csv", **fields)).log.columns.timestamp == "dt"
    for path in ("in/*/*.csv", "in/xdt=*/*.csv", "in/dt/*.csv"):
        with pytest.raises(ConfigError, match=r"received names \['dt'\]\. A column that a folder names must be in"):
            load_config(written(tmp_path, log__path=path, **fields))
