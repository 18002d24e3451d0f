"""DataGate on real logs that arrive day by day, and on days that went wrong: from the raw files to the gate's word."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.statistics_gen import executor as statistics_executor
from tfx.types import artifact_utils, standard_artifacts

from common.errors import DriftError
from configs.catalogue import CatalogueSettings
from configs.data_gate import DataGateSettings
from configs.log import LogSettings
from pipeline.components.data_gate import executor
from pipeline.ground.artifacts import DataBlessing
from pipeline.ground.layout import ANOMALIES_FILE, STATISTICS_FILE
from tests.ingest import beam_context, run_catalogue_gen, run_interaction_gen
from tests.real_data import real_data

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Shop:
    """A real log and catalogue as lines, oldest first, and how they are read."""

    log: LogSettings
    catalogue: CatalogueSettings
    events: list[str]
    items: list[str]
    separator: str


def movielens() -> Shop:
    folder = real_data("movielens-100k")
    log = LogSettings.model_validate(
        {
            "format": {"separator": "\t", "header": False, "quote": ""},
            "columns": {"user_id": 0, "item_id": 1, "value": 2, "timestamp": 3},
            "cleaning": {"positive_min": 4},
        }
    )
    flags = {f"genre {n}": 5 + n for n in range(19)}
    catalogue = CatalogueSettings.model_validate(
        {
            "format": {"separator": "|", "header": False, "quote": "", "encoding": "latin-1"},
            "item_id": 0,
            "title": 1,
            "features": {
                "genres": {"kind": "category", "flags": flags},
                "year": {"kind": "number", "column": 1, "pattern": r"\((\d{4})\)"},
            },
        }
    )
    items = (folder / "u.item").read_text(encoding="latin-1").splitlines()
    return Shop(log, catalogue, _by_time((folder / "u.data").read_text().splitlines(), "\t"), items, "\t")


def movietweetings() -> Shop:
    folder = real_data("movietweetings")
    form = {"separator": "::", "header": False, "quote": ""}
    log = LogSettings.model_validate(
        {
            "format": form,
            "columns": {"user_id": 0, "item_id": 1, "value": 2, "timestamp": 3},
            "cleaning": {"min_user_events": 3},
        }
    )
    features = {"genres": {"kind": "category", "column": 2, "separator": "|"}}
    catalogue = CatalogueSettings.model_validate({"format": form, "item_id": 0, "title": 1, "features": features})
    items = (folder / "movies.dat").read_text().splitlines()
    return Shop(log, catalogue, _by_time((folder / "ratings.dat").read_text().splitlines(), "::"), items, "::")


def _by_time(lines: list[str], separator: str) -> list[str]:
    return sorted(lines, key=lambda line: int(line.split(separator)[3]))


def _permuted(events: Sequence[str], separator: str) -> list[str]:
    """The item ids of the newest half exchanged with each other."""
    half = len(events) // 2
    rows = [line.split(separator) for line in events]
    items = sorted({row[1] for row in rows})
    other = dict(zip(items, random.Random(0).sample(items, len(items)), strict=True))
    return [separator.join([row[0], other[row[1]], *row[2:]] if n >= half else row) for n, row in enumerate(rows)]


def _gate(folder: Path, shop: Shop, events: Sequence[str], items: Sequence[str], last: Path | None) -> None:
    """A day through ingest, statistics and the gate; its word lies where the trainer puts it in a model's folder."""
    folder.mkdir()
    (folder / "log").write_text("\n".join(events) + "\n")
    (folder / "items").write_text("\n".join(items) + "\n", encoding=shop.catalogue.format.encoding)
    log = run_interaction_gen(shop.log, str(folder / "log"), folder / "interactions").artifact
    catalogue = run_catalogue_gen(shop.catalogue, str(folder / "items"), log, folder / "catalogue").artifact
    inputs: dict[str, list[types.Artifact]] = {"interactions": [log], "catalogue": [catalogue], "last_model": []}
    for begins, examples in (("interaction", log), ("catalogue", catalogue)):
        statistics = _artifact(standard_artifacts.ExampleStatistics, folder / f"{begins}_statistics")
        statistics_executor.Executor(beam_context()).Do(
            {"examples": [examples]}, {"statistics": [statistics]}, {"exclude_splits": "[]"}
        )
        train = Path(statistics.uri) / "Split-train" / STATISTICS_FILE
        schema = tfdv.infer_schema(tfdv.load_stats_binary(str(train)), infer_feature_shape=False)
        (folder / f"{begins}_schema").mkdir()
        tfdv.write_schema_text(schema, str(folder / f"{begins}_schema" / "schema.pbtxt"))
        anomalies = _artifact(standard_artifacts.ExampleAnomalies, folder / f"{begins}_anomalies")
        anomalies.split_names = artifact_utils.encode_split_names(["train"])
        (Path(anomalies.uri) / "Split-train").mkdir(parents=True)
        found = Path(anomalies.uri) / "Split-train" / ANOMALIES_FILE
        found.write_bytes(anomalies_pb2.Anomalies().SerializeToString())
        inputs[f"{begins}_statistics"] = [statistics]
        inputs[f"{begins}_schema"] = [_artifact(standard_artifacts.Schema, folder / f"{begins}_schema")]
        inputs[f"{begins}_anomalies"] = [anomalies]
    if last is not None:
        inputs["last_model"] = [_artifact(standard_artifacts.Model, last)]
    word = _artifact(DataBlessing, folder / "data_blessing")
    properties: dict[str, Any] = {"settings": DataGateSettings().model_dump_json()}
    executor.Executor().Do(inputs, {"blessing": [word]}, properties)


def _artifact(of_type: type[types.Artifact], folder: Path) -> types.Artifact:
    artifact = of_type()
    artifact.uri = str(folder)
    return artifact


def test_movielens_grown_day_passes_and_a_catalogue_cut_in_half_is_stopped(tmp_path: Path) -> None:
    shop = movielens()
    _gate(tmp_path / "one", shop, shop.events[:80_000], shop.items, None)
    _gate(tmp_path / "two", shop, shop.events, shop.items, tmp_path / "one")
    with pytest.raises(DriftError) as caught:
        _gate(tmp_path / "three", shop, shop.events, shop.items[:841], tmp_path / "two")
    text = str(caught.value)
    # CatalogueGen adds the interacted films that the half lacks, so the count of all films hardly falls.
    assert "50.0% of the last run's catalogue items are gone; data_gate.max_gone_catalogue_items allows 20.0%" in text
    assert "catalogue items: 841 today, 1,682 in the last run, 0.50 times as many" in text


def test_movielens_one_day_among_months_with_thirty_times_the_events_is_stopped(tmp_path: Path) -> None:
    shop = movielens()
    days = [int(line.split("\t")[3]) // 86_400 for line in shop.events]
    usual = len(days) // (days[-1] - days[0] + 1)
    half = len(shop.events) // 2
    newest = shop.events[half - 1].split("\t")
    # As a loop in an export would: users that rate all films within the last hour.
    flood = ["\t".join([str(n % 943 + 1), str(n % 1682 + 1), "5", newest[3]]) for n in range(30 * usual)]
    _gate(tmp_path / "one", shop, shop.events[: half - 1], shop.items, None)
    _gate(tmp_path / "two", shop, shop.events[:half], shop.items, tmp_path / "one")
    with pytest.raises(DriftError, match=r"users per day: .*; data_gate.max_daily_ratio allows at most 1.9"):
        _gate(tmp_path / "three", shop, [*shop.events[:half], *flood], shop.items, tmp_path / "two")


def test_movietweetings_grown_day_passes_and_items_permuted_in_the_newest_half_are_stopped(tmp_path: Path) -> None:
    shop = movietweetings()
    _gate(tmp_path / "one", shop, shop.events[:10_000], shop.items, None)
    # Twice as much as the day before: the worst of all ten days.
    _gate(tmp_path / "two", shop, shop.events[:20_000], shop.items, tmp_path / "one")
    with pytest.raises(DriftError) as caught:
        _gate(tmp_path / "three", shop, _permuted(shop.events[:30_000], "::"), shop.items, tmp_path / "two")
    text = str(caught.value)
    assert "drift of interactions: Jensen-Shannon divergence of item_id since the last run is 0.29" in text
    assert "skew of interactions: Jensen-Shannon divergence of today's held-out item_id" in text
