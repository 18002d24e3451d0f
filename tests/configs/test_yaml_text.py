"""A YAML means what is written: names, numbers, booleans, keys, escapes."""

import pytest

from common.errors import ConfigError
from configs.load import load_config
from configs.models import TwoTower


def plain(folder, text):
    """A YAML of the smallest config and further lines, as a person writes them."""
    file = folder / "sample.yaml"
    file.write_text(f"name: sample\n{text}", encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ["no", "on", "yes", "y", "Off", "12:30", "010", "0x1F", "2024-01-02", "1_000", "="])
def test_load_of_a_name_that_older_yaml_takes_for_something_else_is_that_name(tmp_path, name):
    file = plain(tmp_path, f"log: {{path: log.csv, columns: {{user_id: {name}}}}}")
    assert load_config(file).log.columns.user_id == name


@pytest.mark.parametrize("written_", ["true", "False", "1.0", "1.50", "1e3", ".5", "null", "~"])
@pytest.mark.parametrize("field", ["log.columns.user_id", "catalogue.item_id", "vertex.labels.team"])
def test_load_of_a_value_where_a_name_is_wanted_shows_how_to_quote_it(tmp_path, written_, field):
    top, *rest = field.split(".")
    values = "".join("{" + name + ": " for name in rest) + written_ + "}" * len(rest)
    lines = {"log": "log: {path: a.csv}", top: f"{top}: {values}"}
    with pytest.raises(ConfigError) as caught:
        load_config(plain(tmp_path, "\n".join(lines.values())))
    line = next(line for line in str(caught.value).splitlines() if line.startswith(f"  {field}: "))
    number = 2 + list(lines).index(top)
    assert f'Received: {written_}. If this is a name, write it in quotes: "{written_}" (line {number})' in line


def test_load_of_a_whole_number_is_a_position_and_in_quotes_a_name(tmp_path):
    file = plain(tmp_path, "log:\n  path: a.csv\n  columns: {user_id: 0, item_id: '1'}\n")
    assert load_config(file).log.columns.model_dump(exclude_none=True) == {"user_id": 0, "item_id": "1"}


@pytest.mark.parametrize("value", ["true", "3.0", "3.5", "'3'", "yes", "1_0"])
def test_load_of_what_is_no_whole_number_is_refused_where_one_is_wanted(tmp_path, value):
    with pytest.raises(ConfigError, match=r"trainer\.epochs: Input should be a valid integer\. .*\(line 3\)"):
        load_config(plain(tmp_path, f"log: {{path: a.csv}}\ntrainer: {{epochs: {value}}}"))


@pytest.mark.parametrize("value", ["yes", "on", "1", "'true'"])
def test_load_of_what_is_no_boolean_is_refused_where_one_is_wanted(tmp_path, value):
    with pytest.raises(ConfigError, match=r"enable_cache: Input should be a valid boolean\. "):
        load_config(plain(tmp_path, f"log: {{path: a.csv}}\nenable_cache: {value}"))


def test_load_of_numbers_as_people_write_them(tmp_path):
    config = load_config(plain(tmp_path, "log: {path: a.csv}\ntrainer: {learning_rate: 1e-3, temperature: 1}"))
    assert isinstance(config.trainer, TwoTower)
    assert (config.trainer.learning_rate, config.trainer.temperature) == (0.001, 1.0)


@pytest.mark.parametrize("types", ["{1: 0.5, 2: 2}", "{'1': 0.5, 2: 2}", "\n    1: 0.5\n    2: 2"])
def test_load_of_event_types_that_are_numbers_takes_them_as_text(tmp_path, types):
    file = plain(tmp_path, f"log:\n  path: a.csv\n  columns: {{value: event}}\n  event_weights: {types}\n")
    assert load_config(file).log.event_weights == {"1": 0.5, "2": 2}


@pytest.mark.parametrize("name", ["no", "1.0", "true", "007", "1e3"])
def test_load_of_an_event_type_is_the_text_that_is_written(tmp_path, name):
    file = plain(tmp_path, f"log:\n  path: a.csv\n  columns: {{value: event}}\n  event_weights: {{{name}: 1}}\n")
    assert load_config(file).log.event_weights == {name: 1}


@pytest.mark.parametrize(
    ("text", "key", "lines"),
    [
        ("log: {path: a}\ngate: {min_users: 2}\ngate: {min_users: 3}", "gate", (3, 4)),
        ("log:\n  path: a\n  path: b", "path", (3, 4)),
        ("log: {path: a, path: b}", "path", (2, 2)),
        ("log:\n  path: a\n  event_weights:\n    1: 2\n    '1': 3", "1", (5, 6)),
        ("trainer: &same {seed: 1, seed: 2}\nlog: {path: a}", "seed", (2, 2)),
    ],
)
def test_load_of_a_key_twice_names_both_lines(tmp_path, text, key, lines):
    file = plain(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert f"{file}: the key '{key}' stands twice in one mapping, in line {lines[0]} and in line {lines[1]}" in str(
        caught.value
    )


def test_load_of_anchors_and_merged_mappings(tmp_path):
    text = "log: {path: a}\ntrainer: &t {seed: 1, epochs: 2}\nserving: {<<: {k: 3}, k: 4}"
    config = load_config(plain(tmp_path, text))
    assert (config.trainer.seed, config.serving.k) == (1, 4)


@pytest.mark.parametrize(
    "value",
    ["!!binary aGVsbG8=", "{? [1, 2] : 3}", "!!set {a, b}", "!own x", "!!python/none x", "&a {b: *a}", "&a [*a]"],
)
def test_load_of_tags_and_keys_that_no_field_has_is_an_error(tmp_path, value):
    with pytest.raises(ConfigError, match="sample"):
        load_config(plain(tmp_path, f"log: {{path: a.csv}}\ntrainer: {value}"))


@pytest.mark.parametrize("character", [r"\t", r"\x01", r"\u0001", r"\0", r"\n"])
@pytest.mark.parametrize("quote", ["'", ""])
def test_load_of_an_escape_outside_double_quotes_names_it(tmp_path, character, quote):
    escape = f"{quote}{character}{quote}"
    feature = f"{{kind: category, column: c, separator: {escape}}}"
    text = f"log:\n  path: a\n  format:\n    separator: {escape}\ncatalogue:\n  path: a\n  features:\n    a: {feature}"
    with pytest.raises(ConfigError) as caught:
        load_config(plain(tmp_path, text))
    for field in ("log.format.separator", "catalogue.features.a.separator"):
        assert f"{field}: holds a backslash and {character[1:]!r}: YAML reads escapes only between double" in str(
            caught.value
        )


def test_load_of_a_backslash_that_is_none_of_an_escape_stays(tmp_path):
    text = "log:\n  path: a\n  format: {separator: '\\', quote: ''}\n"
    assert load_config(plain(tmp_path, text)).log.format.separator == "\\"
