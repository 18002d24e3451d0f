"""Downloads from a web server on this machine, and wheels through the real pip from a folder."""

import hashlib
import io
import socket
import zipfile

import pytest
from rich.console import Console

from common.errors import DataSetError
from pipeline.datasets import sources
from pipeline.datasets.sources import WebFiles, WebZip, Wheel, download, read_zip

QUIET = Console(quiet=True)


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_download_gives_the_bytes_of_the_page(web):
    web.pages["/log.csv"] = bytes(range(256)) * 1000
    assert download(f"{web.address}/log.csv", QUIET) == web.pages["/log.csv"]


def test_download_shows_the_file_and_its_bytes(web):
    web.pages["/log.csv"] = b"x" * 2_000_000
    shown = io.StringIO()
    download(f"{web.address}/log.csv", Console(file=shown, force_terminal=True, width=100))
    assert "log.csv" in shown.getvalue()
    assert "2.0 MB" in shown.getvalue()


def test_download_of_a_missing_page_says_404(web):
    with pytest.raises(DataSetError, match=r"log\.csv: .*404"):
        download(f"{web.address}/log.csv", QUIET)


def test_download_of_more_than_the_bound_stops(web, monkeypatch):
    monkeypatch.setattr(sources, "MAX_BYTES", 100_000)
    web.pages["/log.csv"] = b"x" * 1_000_000
    with pytest.raises(DataSetError, match=r"log\.csv: received more than 100,000 bytes"):
        download(f"{web.address}/log.csv", QUIET)


def test_download_from_a_silent_server_times_out(web, monkeypatch):
    monkeypatch.setattr(sources, "READ_TIMEOUT_SECONDS", 0.2)
    web.pages["/log.csv"] = None
    with pytest.raises(DataSetError, match=r"log\.csv: .*(timed out|Timeout)"):
        download(f"{web.address}/log.csv", QUIET)


def test_download_that_takes_too_long_as_a_whole_stops(web, monkeypatch):
    monkeypatch.setattr(sources, "TOTAL_TIMEOUT_SECONDS", 0.0)
    web.pages["/log.csv"] = b"x"
    with pytest.raises(DataSetError, match=r"log\.csv: not finished after 0 seconds"):
        download(f"{web.address}/log.csv", QUIET)


def test_download_from_a_closed_port_says_refused():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{held.getsockname()[1]}/log.csv"
        with pytest.raises(DataSetError, match=r"log\.csv: .*refused"):
            download(address, QUIET)


def test_web_files_reads_each_by_name(web):
    web.pages.update({"/folder/a": b"1", "/folder/b": b"2"})
    assert WebFiles(f"{web.address}/folder", ("a", "b")).read(QUIET) == {"a": b"1", "b": b"2"}


def test_web_zip_reads_members_by_base_name(web):
    web.pages["/all.zip"] = archive = zipped(top__a=b"1", top__other=b"2")
    assert WebZip(f"{web.address}/all.zip", sha256(archive), ("top/a",)).read(QUIET) == {"a": b"1"}
    assert WebZip(f"{web.address}/all.zip", None, ("top/a",)).read(QUIET) == {"a": b"1"}


def test_read_zip_with_another_digest_is_refused_before_it_is_opened():
    with pytest.raises(DataSetError, match=f"the archive has the SHA-256 {sha256(b'not a zip')} .9 bytes., not .* 00"):
        read_zip(b"not a zip", "00", ("a",))


def test_read_zip_of_something_else_says_so():
    with pytest.raises(DataSetError, match="the download is not a readable zip"):
        read_zip(b"<html>", None, ("a",))


def test_read_zip_without_the_member_names_it():
    with pytest.raises(DataSetError, match=r"the archive lacks a file: .*'b'"):
        read_zip(zipped(a=b""), None, ("b",))


def test_read_zip_with_a_member_over_the_bound_is_refused(monkeypatch):
    monkeypatch.setattr(sources, "MAX_BYTES", 1000)
    archive = zipped(a=b"0" * 100_000)
    assert len(archive) < 1000
    with pytest.raises(DataSetError, match="a in the archive is larger than 1,000 bytes"):
        read_zip(archive, None, ("a",))


def test_read_zip_with_a_damaged_member_is_refused():
    archive = bytearray(zipped(a=b"abcdefgh" * 100))
    archive[40] ^= 0xFF
    with pytest.raises(DataSetError, match="the download is not a readable zip"):
        read_zip(bytes(archive), None, ("a",))


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel in a folder that pip is told to look in, and nowhere else. Made for a Python that nobody has."""
    metadata = "Metadata-Version: 2.1\nName: sample-data\nVersion: 1.0\nRequires-Python: <3\n"
    content = zipped(
        **{
            "sample_data__log.csv": b"1,2\n",
            "sample_data-1.0.dist-info__METADATA": metadata,
            "sample_data-1.0.dist-info__WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "sample_data-1.0.dist-info__RECORD": "",
        }
    )
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "sample_data-1.0-py3-none-any.whl").write_bytes(content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return content


def test_wheel_is_fetched_by_pip_and_read_as_a_zip(wheel):
    source = Wheel("sample-data==1.0", sha256(wheel), ("sample_data/log.csv",))
    assert source.read(QUIET) == {"log.csv": b"1,2\n"}


def test_wheel_with_another_digest_is_refused(wheel):
    with pytest.raises(DataSetError, match=r"the archive has the SHA-256"):
        Wheel("sample-data==1.0", "00", ("sample_data/log.csv",)).read(QUIET)


@pytest.mark.usefixtures("wheel")
def test_wheel_that_no_index_has_gives_pips_own_words():
    with pytest.raises(DataSetError, match=r"pip download failed: .*sample-data==2\.0"):
        Wheel("sample-data==2.0", "00", ()).read(QUIET)
