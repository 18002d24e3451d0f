"""DataGate on anomalies that TFDV itself found, and on days that TFDV itself measured."""

import functools
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl, stats_options
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx import types
from tfx.types import artifact_utils, standard_artifacts

from common.errors import AnomalyError, DriftError
from configs.data_gate import DataGateSettings
from documents.catalogue import CatalogueReport
from documents.cleaning import CleaningReport
from documents.data_gate import DataGateReport
from pipeline.components.data_gate import executor
from pipeline.ground.anomalies import findings
from pipeline.ground.artifacts import DataBlessing
from pipeline.ground.layout import ANOMALIES_FILE, STATISTICS_FILE
from pipeline.ground.presence import mark_absent
from tests.documents.samples import CATALOGUE, CLEANING, changed
from tests.trainer_inputs import write_examples

Day = dict[str, list[types.Artifact]]


def _stats(columns: dict[str, Sequence[Sequence[Any]]]) -> statistics_pb2.DatasetFeatureStatisticsList:
    """As StatisticsGen computes them."""
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(_computed(json.dumps(columns)))


@functools.cache  # most days have the same columns
def _computed(content: str) -> bytes:
    columns = json.loads(content)
    kind = {"value": pa.float32(), "target_value": pa.float32(), "year": pa.float32()}
    arrays = [pa.array(column, pa.list_(kind.get(name, pa.string()))) for name, column in columns.items()]
    arrays = [array.cast(pa.list_(pa.binary())) if array.type.value_type == pa.string() else array for array in arrays]
    batch = pa.RecordBatch.from_arrays(arrays, names=list(columns))
    computed: bytes = stats_impl.generate_statistics_in_memory(batch, stats_options.StatsOptions()).SerializeToString()
    return computed


def _day(
    folder: Path,
    users: Sequence[str],
    items: Sequence[str],
    films: Sequence[str],
    genre: str = "drama",
    days: float = 10.0,
    rating: float = 1.0,
    year: float = 2000.0,
    target: str | None = None,
    daily: dict[str, int] | None = None,
    found: anomalies_pb2.Anomalies | None = None,
) -> Day:
    """A day's artifacts: each user has met the items from a place of the user's own on, and is asked for the next."""
    histories = [[items[(n + place) % len(items)] for place in range(20)] for n in range(len(users))]
    targets = [[target or items[(n + 20) % len(items)]] for n in range(len(users))]
    nothing: list[list[str]] = [[] for _ in users]
    log: dict[str, Sequence[Sequence[Any]]] = {
        "user_id": [[user] for user in users],
        "item_id": histories,
        "value": [[rating] * 20] * len(users),
    }
    statistics = {
        "interaction": {
            "train": _stats({**log, "target_item_id": nothing, "target_value": nothing}),
            "eval": _stats({**log, "target_item_id": targets, "target_value": [[1.0]] * len(users)}),
        },
        "catalogue": {
            "train": _stats({"item_id": [[f] for f in films], "title": [[f] for f in films],
                             "genre": [[genre] if n % 2 else ["war"] for n in range(len(films))],
                             "year": [[year] for _ in films]}),
        },
    }  # fmt: skip
    interactions, catalogue = folder / "interactions", folder / "catalogue"
    write_examples(interactions / "Split-train" / "0.gz", [{"user_id": [user]} for user in users])
    # The last one is an item that the log alone knows.
    write_examples(catalogue / "Split-train" / "0.gz", [{"item_id": [film]} for film in [*films, "of the log"]])
    pq.write_table(pa.table({"item_id": list(items)}), interactions / "items.parquet")
    events = 20 * len(users)
    whole_days = min(28, int(days))
    per_day = {"events": events / days, "users": 100, "items": 100, **(daily or {})}
    changed(
        CLEANING, rows=events, recent_days={what: [round(mean)] * whole_days for what, mean in per_day.items()},
        oldest_timestamp=0, newest_timestamp=int(days * 86_400),
        steps=[{"step": "active_users", "in": events, "out": events}],
        splits={"train": {"users": len(users), "interactions": events, "items": len(items)}},
    ).write(interactions)  # fmt: skip
    changed(CATALOGUE, items=len(films) + 1, added_items=1).write(catalogue)
    inputs: Day = {
        "interactions": [_artifact(standard_artifacts.Examples, interactions)],
        "catalogue": [_artifact(standard_artifacts.Examples, catalogue)],
    }
    for data, splits in statistics.items():
        schema = tfdv.infer_schema(splits["train"], infer_feature_shape=False)
        (folder / f"{data}_schema").mkdir()
        tfdv.write_schema_text(schema, str(folder / f"{data}_schema" / "schema.pbtxt"))
        inputs[f"{data}_schema"] = [_artifact(standard_artifacts.Schema, folder / f"{data}_schema")]
        for what, of_type in (
            ("statistics", standard_artifacts.ExampleStatistics),
            ("anomalies", standard_artifacts.ExampleAnomalies),
        ):
            artifact = _artifact(of_type, folder / f"{data}_{what}")
            artifact.split_names = artifact_utils.encode_split_names(list(splits))
            inputs[f"{data}_{what}"] = [artifact]
            for split, computed in splits.items():
                path = folder / f"{data}_{what}" / f"Split-{split}"
                path.mkdir(parents=True)
                if what == "statistics":
                    (path / STATISTICS_FILE).write_bytes(computed.SerializeToString())
                else:
                    report = found if found is not None and (data, split) == ("interaction", "eval") else None
                    content = (report or anomalies_pb2.Anomalies()).SerializeToString()
                    (path / ANOMALIES_FILE).write_bytes(content)
    return inputs


def _artifact(of_type: type[types.Artifact], folder: Path) -> types.Artifact:
    artifact = of_type()
    artifact.uri = str(folder)
    return artifact


def _run(day: Day, folder: Path, last: Path | None = None, **settings: Any) -> dict[str, Any]:
    """Runs the gate; `last` is the folder of the last blessed model, or else an artifact stands for none."""
    model = _artifact(standard_artifacts.Model, last or folder / "none")
    if last is None:
        mark_absent(model)
    inputs = {**day, "last_model": [model]}
    properties = {"settings": DataGateSettings(**settings).model_dump_json(), "code_digest": "digest"}
    executor.Executor().Do(inputs, {"blessing": [_artifact(DataBlessing, folder)]}, properties)
    report: dict[str, Any] = json.loads((folder / DataGateReport.FILE).read_text())
    return report


USERS = [f"u{n}" for n in range(100)]
ITEMS = [f"i{n}" for n in range(100)]
FILMS = [f"f{n}" for n in range(600)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that has learned from a first day, as the trainer leaves it."""
    folder = tmp_path_factory.mktemp("model")
    report = _run(_day(folder / "day", USERS, ITEMS, FILMS), folder / "data_blessing")
    assert report["not_compared_because"] == "there is no blessed model yet"
    assert (report["checks"], report["compared_with"]) == ([], None)
    assert report["counts"] == {
        "events": 2000, "users": 100, "items": 100, "catalogue_items": 600,
        "oldest_timestamp": 0, "newest_timestamp": 864_000,
        "events_per_day": 200.0, "users_per_day": 100.0, "items_per_day": 100.0,
        "filled": {}, "held_out_early": None,
    }  # fmt: skip
    return folder


def _missing_users() -> anomalies_pb2.Anomalies:
    """What TFDV says of Examples without the user that the schema asks for."""
    schema = schema_pb2.Schema(
        feature=[
            schema_pb2.Feature(name="user_id", type=schema_pb2.BYTES, presence=schema_pb2.FeaturePresence(min_count=1))
        ]
    )
    statistics = statistics_pb2.DatasetFeatureStatisticsList(
        datasets=[statistics_pb2.DatasetFeatureStatistics(num_examples=10)]
    )
    return tfdv.validate_statistics(statistics, schema)


def test_do_missing_feature_stops_and_names_split_and_feature(tmp_path: Path) -> None:
    day = _day(tmp_path / "day", USERS, ITEMS, FILMS, found=_missing_users())
    with pytest.raises(AnomalyError, match="interactions/eval user_id"):
        _run(day, tmp_path / "blessing")
    assert not (tmp_path / "blessing").exists()


def test_do_ignored_anomaly_blessed_and_written_down(tmp_path: Path) -> None:
    found = findings({("interactions", "eval"): _missing_users()})
    day = _day(tmp_path / "day", USERS, ITEMS, FILMS, found=_missing_users())
    report = _run(day, tmp_path / "blessing", ignore_anomalies=[found[0].anomaly])
    assert [(f["split"], f["feature"], f["ignored"]) for f in report["ignored"]] == [("eval", "user_id", True)]
    assert report["checked"] == ["interactions/train", "interactions/eval", "catalogue/train"]


def test_do_split_without_data_stops(tmp_path: Path) -> None:
    day = _day(tmp_path / "day", USERS, ITEMS, FILMS, found=anomalies_pb2.Anomalies(data_missing=True))
    with pytest.raises(AnomalyError, match=r"interactions/eval .*DATA_MISSING"):
        _run(day, tmp_path / "blessing", ignore_anomalies=["SCHEMA_NEW_COLUMN"])


def test_do_day_that_grew_by_a_tenth_passes_every_check(tmp_path: Path, model: Path) -> None:
    more = [f"u{n}" for n in range(110)]
    day = _day(tmp_path / "day", more, ITEMS, [*FILMS, *(f"f{n}" for n in range(600, 660))], days=11)
    report = _run(day, tmp_path / "blessing", model, min_compared_values=50)
    value = {(c["check"], c["feature"], c["measure"]): c["value"] for c in report["checks"]}
    assert all(check["passed"] for check in report["checks"])
    assert value["growth", "users", "share_new"] == pytest.approx(10 / 110)
    assert value["growth", "items", "share_new"] == 0
    assert value["growth", "catalogue_items", "share_new"] == pytest.approx(60 / 660)
    assert value["growth", "catalogue_items", "share_gone"] == 0
    assert value["count", "events", "max_ratio"] == pytest.approx(1.1)
    assert value["count", "events_per_day", "min_ratio"] == pytest.approx(1.0)
    assert value["drift", "genre", "l_infinity"] == pytest.approx(0.0, abs=1e-9)
    assert {kind for kind, *_ in value} == {"drift", "skew", "growth", "count"}
    assert (report["compared_with"], report["not_compared_because"]) == (str(model), None)
    assert not list((tmp_path / "blessing").rglob("*tmp*"))


@pytest.mark.parametrize(
    ("changed", "settings", "words"),
    [
        # Shares by hand: i0..i99 were of 20 events each; now ten of them have all 2,000.
        ({"items": ITEMS[:10]}, {}, "drift of interactions: Jensen-Shannon divergence of item_id since"),
        ({"items": ITEMS[:10]}, {}, "data_gate.max_item_l_infinity allows 0.05"),
        ({"items": [f"x{n}" for n in range(100)]}, {"min_compared_values": 50}, "skew of interactions: "),
        ({"items": [f"x{n}" for n in range(100)]}, {}, "100.0% of today's training items are new; "),
        ({"users": [f"x{n}" for n in range(100)]}, {}, "100.0% of today's training users are new; "),
        ({"users": USERS[:50]}, {}, "events: 1,000 today, 2,000 in the last run, 0.50 times as many; "),
        ({"films": FILMS[:300]}, {}, "50.0% of the last run's catalogue items are gone; "),
        ({"genre": "comedy"}, {}, "share of genre since the last run is 0.500; data_gate.max_category_l_infinity"),
        ({"days": 4.0}, {}, "events per day: 500 today, 200 in the last run, 2.50 times as many; "),
        ({"days": 25.0}, {}, "events per day: 80 today, 200 in the last run, 0.40 times as many; "),
        ({"daily": {"users": 40}}, {}, "users per day: 40 today, 100 in the last run, 0.40 times as many; "),
        ({"daily": {"items": 200}}, {}, "items per day: 200 today, 100 in the last run, 2.00 times as many; "),
        ({"rating": 5.0}, {}, "divergence of value since the last run is 1.000; data_gate.max_value_divergence"),
        ({"year": 1950.0}, {}, "divergence of year since the last run is 1.000; data_gate.max_number_divergence"),
        (
            {"target": "i1"},
            {"min_compared_values": 50},
            "share of today's held-out item_id against the last training's is 0.990; data_gate.max_target_l_infinity",
        ),
        ({"films": [f"f{n}" for n in range(1300)]}, {}, "53.8% of today's catalogue items are new; data_gate.max_new"),
        ({"films": [f"f{n}" for n in range(3000)]}, {}, "5.00 times as many; data_gate.max_count_ratio"),
    ],
)
def test_do_day_too_far_from_the_last_stops_with_its_numbers(
    tmp_path: Path, model: Path, changed: dict[str, Any], settings: dict[str, Any], words: str
) -> None:
    day = _day(tmp_path / "day", **{"users": USERS, "items": ITEMS, "films": FILMS, **changed})
    with pytest.raises(DriftError) as caught:
        _run(day, tmp_path / "blessing", model, **settings)
    text = str(caught.value)
    assert words in text
    assert text.startswith("DataGate stopped the run: ")
    assert f"Compared with {model}; the served model has not changed.\n" in text
    assert not (tmp_path / "blessing").exists()


def test_do_limit_of_none_is_not_checked(tmp_path: Path, model: Path) -> None:
    day = _day(tmp_path / "day", USERS, ITEMS, FILMS[:300])
    report = _run(day, tmp_path / "blessing", model, max_gone_catalogue_items=None, min_count_ratio=None)
    assert {c["feature"] for c in report["checks"] if c["check"] == "growth"} == {"users", "items", "catalogue_items"}
    assert not [
        c
        for c in report["checks"]
        if c["measure"] in ("share_gone", "min_ratio") and not c["feature"].endswith("_per_day")
    ]


def test_do_comparator_of_the_schema_goes_before_the_config(tmp_path: Path, model: Path) -> None:
    day = _day(tmp_path / "day", USERS, ITEMS[:10], FILMS)
    path = Path(day["interaction_schema"][0].uri) / "schema.pbtxt"
    schema = tfdv.load_schema_text(str(path))
    tfdv.get_feature(schema, "item_id").drift_comparator.infinity_norm.threshold = 0.5
    tfdv.write_schema_text(schema, str(path))
    report = _run(day, tmp_path / "blessing", model, min_count_ratio=None, max_target_divergence=None)
    drift = [c for c in report["checks"] if (c["check"], c["feature"]) == ("drift", "item_id")]
    assert [(c["measure"], c["limit"]) for c in drift] == [("l_infinity", 0.5)]


def test_do_last_model_without_a_record_of_its_data_is_not_compared_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "model" / "Format-Serving").mkdir(parents=True)
    report = _run(_day(tmp_path / "day", ["u"], ITEMS, FILMS), tmp_path / "blessing", tmp_path / "model")
    assert "has no record of the data" in report["not_compared_because"]
    assert (report["checks"], report["compared_with"]) == ([], None)


def _change(**fields: Any) -> Callable[[Path], object]:
    return lambda file: file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def _become_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("name", "breaking", "because"),
    [
        ("samples.npz", lambda file: file.write_bytes(b"PK\x03\x04"), "is damaged (BadZipFile"),
        ("samples.npz", lambda file: file.write_bytes(b""), "is damaged (EOFError"),
        ("samples.npz", lambda file: file.unlink(), "is damaged: a file is missing (NotFoundError"),
        ("gate.json", lambda file: file.unlink(), "is damaged: a file is missing (FileNotFoundError"),
        ("gate.json", lambda file: file.write_text("{"), "gate.json is damaged: Invalid JSON"),
        ("gate.json", lambda file: file.write_text('{"checked": []}'), "gate.json is damaged: ignored: Field required"),
        ("gate.json", _change(counts=[]), "gate.json is damaged: counts: Input should be an object"),
        ("gate.json", _change(counts={}), "gate.json is damaged: counts.events: Field required"),
        (
            "gate.json",
            _change(format_version=2),
            "gate.json has format version 2, but this code reads version 1. A new",
        ),
        ("gate.json", _become_a_folder, "cannot be read (IsADirectoryError"),
        ("statistics/catalogue/Split-train/FeatureStats.pb", lambda file: file.write_bytes(b"\xff"), "(DecodeError"),
    ],
)
def test_do_last_models_word_unreadable_or_damaged_stops_and_says_what_to_do(
    tmp_path: Path, model: Path, name: str, breaking: Any, because: str
) -> None:
    copied = tmp_path / "model" / "data_blessing"
    shutil.copytree(model / "data_blessing", copied)
    breaking(copied / name)
    with pytest.raises(DriftError) as caught:
        _run(_day(tmp_path / "day", USERS, ITEMS, FILMS), tmp_path / "blessing", copied.parent)
    text = str(caught.value)
    assert because in text
    assert f"It is {copied}; the served model has not changed.\n" in text
    assert "`perennial versions rollback`" in text
    assert not (tmp_path / "blessing").exists()


def test_do_few_values_are_not_judged(tmp_path: Path, model: Path) -> None:
    day = _day(tmp_path / "day", USERS, ITEMS[:10], FILMS)
    report = _run(day, tmp_path / "blessing", model, min_compared_values=5000, min_count_ratio=None)
    assert not [c for c in report["checks"] if c["check"] in ("drift", "skew")]


def _outliers(day: Day, *found: tuple[str, str, int, int]) -> None:
    """Lets InteractionGen's report of a day of 2,000 rows hold these: column, id, rows, and rows of the next."""
    folder = Path(day["interactions"][0].uri)
    outliers = [
        {"column": column, "id": text, "rows": rows, "share": rows / 2000, "next_rows": following}
        for column, text, rows, following in found
    ]
    changed(CleaningReport.read(folder), outliers=outliers).write(folder)


@pytest.mark.parametrize("has_last", [False, True])
def test_do_user_or_item_with_too_much_of_the_log_stops_with_and_without_a_model(
    tmp_path: Path, model: Path, has_last: bool
) -> None:
    day = _day(tmp_path / "day", USERS, ITEMS, FILMS)
    _outliers(day, ("user_id", "robot", 399, 20), ("item_id", "0", 401, 20))
    with pytest.raises(DriftError) as caught:
        _run(day, tmp_path / "blessing", model if has_last else None)
    text = str(caught.value)
    assert "'0' has 401 rows, 20.1% of the log, and the next has 20; data_gate.max_item_share allows 20.0%" in text
    assert "robot" not in text, "it has less than its limit"
    assert ("Compared with" in text) == has_last


def test_do_outliers_within_their_limits_are_checks_and_none_is_not_checked(tmp_path: Path) -> None:
    day = _day(tmp_path / "day", USERS, ITEMS, FILMS)
    _outliers(day, ("user_id", "robot", 900, 20), ("item_id", "0", 401, 20))
    report = _run(day, tmp_path / "blessing", max_user_share=0.5, max_item_share=None)
    assert [(c["check"], c["feature"], c["value"], c["passed"]) for c in report["checks"]] == [
        ("share", "user_id", 0.45, True)
    ]
    assert report["not_compared_because"] == "there is no blessed model yet"


def test_do_gate_remembers_whether_the_split_is_one_in_time(tmp_path: Path) -> None:
    day = _day(tmp_path / "day", USERS, ITEMS, FILMS)
    folder = Path(day["interactions"][0].uri)
    changed(CleaningReport.read(folder), held_out_early=0.25).write(folder)
    assert _run(day, tmp_path / "blessing")["counts"]["held_out_early"] == 0.25


def test_do_feature_that_most_items_lost_stops_with_both_counts(tmp_path: Path) -> None:
    day = _day(tmp_path / "day", USERS, ITEMS, FILMS)
    folder = Path(day["catalogue"][0].uri)
    report = changed(CatalogueReport.read(folder), interactions=2000, untitled_items=0)
    changed(report, filled={"year": 600}, filled_interactions={"title": 2000, "year": 1900}).write(folder)
    _run(day, tmp_path / "model" / "data_blessing")
    changed(report, filled={"year": 210}, filled_interactions={"title": 2000, "year": 1890}).write(folder)
    with pytest.raises(DriftError) as caught:
        _run(day, tmp_path / "blessing", tmp_path / "model")
    assert (
        "filled of catalogue: items that have year: 210 of 600 (35.0%) today, 600 of 600 (100.0%) in the last run; "
        "data_gate.min_filled_ratio requires 0.7 times the last share"
    ) in str(caught.value)


def test_share_outside_of_large_sets_is_estimated_within_its_error() -> None:
    from pipeline.drift.facts import SAMPLED_IDS, sample, share_outside

    rng = np.random.default_rng(0)
    both, only = rng.integers(0, 2**62, 150_000), rng.integers(0, 2**62, 50_000)
    one, other = sample([both, only]), sample([both])
    assert len(one) == len(other) == SAMPLED_IDS
    assert share_outside(one, other) == pytest.approx(0.25, abs=0.01)
    assert share_outside(other, one) == 0
    small = sample([both[:30]])
    assert share_outside(small, sample([both[:20]])) == pytest.approx(1 / 3)
    # A small set, all of it known, against a sample that ends below most of it.
    assert share_outside(sample([both[:1000]]), other) == 0
    assert share_outside(sample([]), small) == 0
