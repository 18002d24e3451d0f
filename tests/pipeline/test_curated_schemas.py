"""The curated schemas that we ship, against Examples made of the real data, by TFDV itself."""

from pathlib import Path

import pytest

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported
from configs.load import DEFAULT_CONFIG, load_config

# isort: split
import tensorflow_data_validation as tfdv

from pipeline.datasets import layouts
from tests.ingest import run_catalogue_gen, run_interaction_gen
from tests.real_data import real_data


@pytest.mark.e2e
def test_movielens_examples_fit_the_curated_schemas(tmp_path: Path) -> None:
    folder = real_data("movielens-100k")
    published = {name: (folder / name).read_bytes() for name in ("u.data", "u.item")}
    for name, content in layouts.movielens_official(published).items():
        (tmp_path / name).write_bytes(content)
    config = load_config(DEFAULT_CONFIG)
    log = run_interaction_gen(config.log, str(tmp_path / "ratings.tsv"), tmp_path / "log")
    items = run_catalogue_gen(config.catalogue, str(tmp_path / "items.tsv"), log.artifact, tmp_path / "items")

    looked_at = 0
    for file, ingested in (("interactions.pbtxt", log), ("catalogue.pbtxt", items)):
        schema = tfdv.load_schema_text(str(Path(config.schema_dir, config.name, file)))
        for split in Path(ingested.artifact.uri).glob("Split-*"):
            statistics = tfdv.generate_statistics_from_tfrecord(str(split / "*"))
            assert statistics.datasets[0].num_examples > 900
            assert tfdv.validate_statistics(statistics, schema).anomaly_info == {}, split
            looked_at += 1
    assert looked_at == 3
