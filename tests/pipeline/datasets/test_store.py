"""A data set comes into the folder whole and checked, or not at all; once there, no network is touched."""

import dataclasses
import hashlib
import io
import os
import socket

import pytest
from rich.console import Console

from common.errors import DataSetError
from pipeline.datasets import data_dir, fetch, is_cached, resolve
from pipeline.datasets.layouts import DataSetLayout
from pipeline.datasets.registry import DATA_SETS, DataSet
from pipeline.datasets.sources import WebFiles
from tests.real_data import real_data

CONTENT = b"user,item\n1,2\n"


def upper(contents):
    return {"log.csv": contents["LOG.CSV"].lower()}


def data_set(web, *folders, content=CONTENT, name="sample"):
    """A data set of one file, published in capital letters under some folders of the web."""
    return DataSet(
        name=name,
        summary="a sample",
        licence="CC0",
        origin="https://example.org",
        files={"log.csv": hashlib.sha256(content).hexdigest()},
        layouts=(DataSetLayout(("LOG.CSV",), upper),),
        sources=tuple(WebFiles(f"{web.address}/{folder}", ("LOG.CSV",)) for folder in folders),
    )


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("subprocess.Popen", refuse)


def test_data_dir_is_the_named_folder_or_in_the_users_cache(monkeypatch, tmp_path):
    assert data_dir() == tmp_path / "data"
    monkeypatch.delenv("PERENNIAL_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert data_dir() == tmp_path / "cache/perennial/datasets"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_dir() == tmp_path / ".cache/perennial/datasets"


def test_fetch_converts_checks_and_stores(web, data_folder):
    web.pages["/here/LOG.CSV"] = CONTENT.upper()
    sample = data_set(web, "here")
    assert not is_cached(sample)
    assert fetch(sample) == data_folder / "sample"
    assert (data_folder / "sample/log.csv").read_bytes() == CONTENT
    assert is_cached(sample)
    assert os.listdir(data_folder) == ["sample"]


def test_fetch_shows_licence_source_rows_and_place(web, data_folder):
    web.pages["/here/LOG.CSV"] = CONTENT.upper()
    shown = io.StringIO()
    fetch(data_set(web, "here"), console=Console(file=shown, width=200))
    for expected in ("CC0", f"{web.address}/here", "log.csv: 2 lines, 14 bytes", str(data_folder / "sample")):
        assert expected in shown.getvalue()


def test_fetch_tries_the_next_source_after_a_missing_and_a_wrong_one(web, data_folder):
    web.pages["/wrong/LOG.CSV"] = b"SOMETHING ELSE"
    web.pages["/right/LOG.CSV"] = CONTENT.upper()
    fetch(data_set(web, "missing", "wrong", "right", "never"))
    assert web.asked == ["/missing/LOG.CSV", "/wrong/LOG.CSV", "/right/LOG.CSV"]
    assert (data_folder / "sample/log.csv").read_bytes() == CONTENT


def test_fetch_that_fails_everywhere_lists_each_source_and_its_reason_and_leaves_nothing(web, data_folder):
    web.pages["/wrong/LOG.CSV"] = b"SOMETHING ELSE"
    with pytest.raises(DataSetError) as caught:
        fetch(data_set(web, "missing", "wrong"))
    message = str(caught.value)
    assert f"{web.address}/missing: LOG.CSV: HTTPError: 404" in message
    assert f"{web.address}/wrong: log.csv has the SHA-256" in message
    assert "perennial datasets fetch sample --from FOLDER" in message
    assert "https://example.org" in message
    assert not data_folder.exists()


def test_fetch_of_what_is_cached_touches_no_network(web, data_folder, request):
    web.pages["/here/LOG.CSV"] = CONTENT.upper()
    fetch(data_set(web, "here"))
    request.getfixturevalue("no_network")
    assert fetch(data_set(web, "here")) == data_folder / "sample"
    assert len(web.asked) == 1


@pytest.mark.usefixtures("no_network")
def test_fetch_of_what_is_not_cached_does_touch_it(web):
    with pytest.raises(AssertionError, match="the network was touched"):
        fetch(data_set(web, "here"))


def test_fetch_over_a_damaged_copy_replaces_it_and_nothing_else(web, data_folder):
    web.pages["/here/LOG.CSV"] = CONTENT.upper()
    (data_folder / "sample").mkdir(parents=True)
    (data_folder / "sample/log.csv").write_bytes(CONTENT[:5])
    (data_folder / "sample/notes").write_bytes(b"of the user")
    (data_folder / "sample/own").mkdir()
    fetch(data_set(web, "here"))
    assert sorted(os.listdir(data_folder / "sample")) == ["log.csv", "notes", "own"]
    assert (data_folder / "sample/notes").read_bytes() == b"of the user"
    assert (data_folder / "sample/log.csv").read_bytes() == CONTENT
    assert os.listdir(data_folder) == ["sample"]


@pytest.mark.parametrize(("name", "content"), [("LOG.CSV", CONTENT.upper()), ("log.csv", CONTENT)])
def test_fetch_from_a_folder_takes_the_published_or_the_stored_layout(web, tmp_path, data_folder, name, content):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / name).write_bytes(content)
    fetch(data_set(web, "never"), source=tmp_path / "copy")
    assert (data_folder / "sample/log.csv").read_bytes() == CONTENT
    assert web.asked == []


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "holds none of the files; expected LOG.CSV"),
        ({"log.csv": b"other"}, "log.csv has the SHA-256"),
    ],
)
def test_fetch_from_a_folder_without_the_files_says_what_is_expected(web, tmp_path, data_folder, files, reason):
    (tmp_path / "copy").mkdir()
    for name, content in files.items():
        (tmp_path / "copy" / name).write_bytes(content)
    with pytest.raises(DataSetError, match=f"copy: {reason}"):
        fetch(data_set(web), source=tmp_path / "copy")
    assert not data_folder.exists()


def test_fetch_into_a_folder_that_cannot_be_written_names_the_way_out(web, tmp_path, monkeypatch):
    web.pages["/here/LOG.CSV"] = CONTENT.upper()
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("PERENNIAL_DATA", str(tmp_path / "file"))
    with pytest.raises(DataSetError, match=r"cannot be written .* PERENNIAL_DATA"):
        fetch(data_set(web, "here"))


@pytest.mark.fault
@pytest.mark.parametrize("is_there", [True, False])
def test_fetch_that_breaks_while_writing_leaves_no_new_folder_and_what_was_in_an_old_one(web, data_folder, is_there):
    web.pages["/here/LOG.CSV"] = CONTENT.upper()
    sample = data_set(web, "here")
    # The second file cannot be written: its folder is a file.
    digest = sample.files["log.csv"]
    layout = DataSetLayout(("LOG.CSV",), lambda contents: {**upper(contents), "log.csv/log.csv": CONTENT})
    sample = dataclasses.replace(sample, files={"log.csv": digest, "log.csv/log.csv": digest}, layouts=(layout,))
    if is_there:
        (data_folder / "sample").mkdir(parents=True)
        (data_folder / "sample/old").write_bytes(b"")
    with pytest.raises(DataSetError, match="cannot be written"):
        fetch(sample)
    assert os.listdir(data_folder) == (["sample"] if is_there else [])
    if is_there:
        assert sorted(os.listdir(data_folder / "sample")) == ["log.csv", "old"]


def test_fetch_of_an_unknown_name_lists_the_known_ones():
    with pytest.raises(DataSetError, match=r"no data set 'netflix'; known: movielens-100k, .*books-40m"):
        fetch("netflix")


def test_fetch_without_an_automatic_source_says_where_to_find_it():
    with pytest.raises(
        DataSetError, match=r"(?s)no automatic source.*--from FOLDER.*kaggle\.com/datasets/retailrocket"
    ):
        fetch("retailrocket")


def test_fetch_of_a_log_of_ones_own_says_where_to_put_it(data_folder):
    with pytest.raises(DataSetError, match=f"Put the files into {data_folder / 'books-40m'}"):
        fetch("books-40m")


@pytest.mark.parametrize("name", ["movielens-100k", "goodbooks-10k", "movietweetings", "retailrocket"])
def test_fetch_from_the_real_files_passes_every_pin(name):
    folder = fetch(name, source=real_data(name))
    assert sorted(os.listdir(folder)) == sorted(DATA_SETS[name].files)


def test_resolve_gives_a_path_under_the_data_folder(data_folder):
    (data_folder / "sample").mkdir(parents=True)
    assert resolve("dataset://sample/parts/part-*.csv") == str(data_folder / "sample/parts/part-*.csv")


@pytest.mark.parametrize("path", ["/a/log.csv", "log-*.csv", "gs://bucket/log.csv"])
def test_resolve_leaves_other_paths_alone(path):
    assert resolve(path) == path


def test_resolve_of_what_is_not_here_names_the_command():
    with pytest.raises(DataSetError, match="Run: perennial datasets fetch goodbooks-10k"):
        resolve("dataset://goodbooks-10k/ratings.csv")


def test_resolve_of_a_log_of_ones_own_that_is_not_here_names_the_folder(data_folder):
    with pytest.raises(DataSetError, match=f"Put its files into {data_folder / 'mine'}"):
        resolve("dataset://mine/log.csv")


@pytest.mark.parametrize("path", ["dataset://", "dataset://sample", "dataset://sample/", "dataset://../x"])
def test_resolve_without_a_name_and_a_file_says_how_to_write_it(path):
    with pytest.raises(DataSetError, match="write dataset://NAME/FILE"):
        resolve(path)
