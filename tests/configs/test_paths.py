"""Paths of a YAML: variables, the home folder, and names that look like patterns."""

import glob
from pathlib import Path

import pytest

from common.errors import ConfigError
from configs.load import load_config
from configs.paths import PathError, expanded, resolved


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$DATA/log.csv", "/data here/log.csv"),
        ("${DATA}/log.csv", "/data here/log.csv"),
        ("${DATA}2/$PART*.csv", "/data here2/part*.csv"),
        ("gs://$PART/log.csv", "gs://part/log.csv"),
        ("a/$$DATA.csv", "/yaml/a/$DATA.csv"),
        ("price$.csv", "/yaml/price$.csv"),
        ("~/log.csv", "/home/ann/log.csv"),
        ("~", "/home/ann"),
        ("a~b.csv", "/yaml/a~b.csv"),
        ("../b/./c.csv", "/b/c.csv"),
    ],
)
def test_resolved_variables_and_home(monkeypatch: pytest.MonkeyPatch, path: str, expected: str) -> None:
    for name, value in {"DATA": "/data here", "PART": "part", "HOME": "/home/ann"}.items():
        monkeypatch.setenv(name, value)
    assert resolved(expanded(path), Path("/yaml"), glob=True) == expected


@pytest.mark.parametrize("path", ["$NONE/a.csv", "gs://${NONE}/a.csv"])
def test_resolved_variable_that_is_not_set_is_an_error(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.delenv("NONE", raising=False)
    with pytest.raises(PathError, match=r"\$NONE of the environment is not set"):
        expanded(path)


def test_resolved_home_of_nobody_is_an_error() -> None:
    with pytest.raises(PathError, match="home folder of '~no-such-user' is unknown"):
        resolved("~no-such-user/a.csv", Path("/yaml"), glob=False)


@pytest.mark.parametrize("folder", ["shop [2026]", "a*b", "what?", "[", "x [1] [2]"])
@pytest.mark.parametrize("name", ["events.csv", "events-[1].csv", "ev?nts*.csv"])
def test_resolved_names_of_what_exists_are_no_patterns(tmp_path: Path, folder: str, name: str) -> None:
    (tmp_path / folder / "in [2]").mkdir(parents=True)
    file = tmp_path / folder / "in [2]" / name
    file.touch()
    (tmp_path / folder / "in [2]" / "other.csv").touch()
    for path, start in (
        (f"in [2]/{name}", tmp_path / folder),
        (f"{folder}/in [2]/{name}", tmp_path),
        (str(file), Path("/")),
    ):
        assert glob.glob(resolved(path, start, glob=True)) == [str(file)]
        assert resolved(path, start, glob=False) == str(file)
    assert len(glob.glob(resolved("in [2]/*.csv", tmp_path / folder, glob=True))) == 2


def test_resolved_pattern_that_is_no_name_stays_a_pattern(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        (tmp_path / f"day-{day}.csv").touch()
    assert len(glob.glob(resolved("day-[12].csv", tmp_path, glob=True))) == 2


def test_load_expands_each_path_and_names_the_field_of_a_variable_that_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", "/place")
    monkeypatch.setenv("BUCKET", "my-bucket")
    file = tmp_path / "shop.yaml"
    file.write_text(
        "name: shop\nlog: {path: $PLACE/log.csv}\ncatalogue: {path: '${PLACE}/items.csv'}\noutput_dir: $PLACE/runs\n"
        "schema_dir: $PLACE/schemas\n"
    )
    config = load_config(file)
    assert config.catalogue is not None
    paths = (config.log.path, config.catalogue.path, config.output_dir, config.schema_dir)
    assert paths == ("/place/log.csv", "/place/items.csv", "/place/runs", "/place/schemas")
    monkeypatch.delenv("PLACE")
    with pytest.raises(
        ConfigError, match=r"log\.path: the variable \$PLACE of the environment is not set.*\$PLACE/log"
    ):
        load_config(file)


def test_load_expands_buckets_before_they_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUCKET", "my-bucket")
    vertex = (
        "project: my-project, region: europe-west4, image: a, pipeline_root: gs://$BUCKET/a, data_dir: gs://$BUCKET/d"
    )
    (tmp_path / "shop.yaml").write_text(
        f"name: shop\nlog: {{path: {{train: $BUCKET.csv, eval: e.csv}}, split: {{method: given}}}}\n"
        f"vertex: {{{vertex}, serving_dir: gs://my-bucket/$$s}}\n"
    )
    config = load_config(tmp_path / "shop.yaml")
    assert config.vertex is not None
    paths = (config.vertex.pipeline_root, config.vertex.data_dir, config.vertex.serving_dir)
    assert paths == ("gs://my-bucket/a", "gs://my-bucket/d", "gs://my-bucket/$s")
    assert config.log.path == {"train": str(tmp_path / "my-bucket.csv"), "eval": str(tmp_path / "e.csv")}
    monkeypatch.setenv("BUCKET", "No Bucket")
    with pytest.raises(ConfigError, match=r"vertex\.pipeline_root: must be a folder of a Cloud Storage bucket"):
        load_config(tmp_path / "shop.yaml")
