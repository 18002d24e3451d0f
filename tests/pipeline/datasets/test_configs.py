"""The project's YAMLs name columns that their data sets have."""

import csv

import pytest

from configs.load import DEFAULT_CONFIG, load_config
from pipeline.datasets import fetch, resolve
from tests.real_data import real_data


def columns_of(model):
    """Every column that a log's columns or a catalogue name."""
    if not hasattr(model, "features"):
        return [column for column in model.model_dump().values() if column is not None]
    features = [column for one in model.features.values() for column in [one.column] if column is not None]
    return [model.item_id, model.title, *features]


@pytest.mark.parametrize("name", ["movielens-100k", "goodbooks-10k", "movietweetings", "retailrocket"])
def test_every_column_of_the_config_is_in_the_real_files(name):
    fetch(name, source=real_data(name))
    config = load_config(DEFAULT_CONFIG.with_name(f"{name}.yaml"))
    assert isinstance(config.log.path, str)
    parts = [(config.log.path, config.log.format, columns_of(config.log.columns))]
    if config.catalogue:
        parts.append((config.catalogue.path, config.catalogue.format, columns_of(config.catalogue)))
    for path, layout, columns in parts:
        with open(resolve(path), encoding=layout.encoding, newline="") as file:
            first = file.readline().rstrip("\r\n")
        fields = next(csv.reader([first])) if layout.separator == "," else first.split(layout.separator)
        known = fields if layout.header else range(len(fields))
        assert [column for column in columns if column not in known] == []
