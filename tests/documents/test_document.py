"""Every kind of document: written and read again, missing, damaged, of another version, with fields of others."""

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import documents
from common.errors import DriftError, OutputError
from documents.document import Document
from tests.documents.samples import DOCUMENTS, METRICS, PUSH_RECORD, WARM_STATE

EACH = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: type(document).__name__)


def put(document: Document, folder: Path, text: str) -> Path:
    file = folder / document.FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def values(document: Document) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(document.to_json())
    return found


def test_samples_hold_every_document_of_the_package() -> None:
    for module in pkgutil.iter_modules(documents.__path__):
        importlib.import_module(f"documents.{module.name}")

    def kinds(parent: type[Document]) -> set[type[Document]]:
        below = {kind for each in parent.__subclasses__() for kind in kinds(each)}
        return below | ({parent} if "FILE" in vars(parent) else set())

    ours = {kind for kind in kinds(Document) if kind.__module__.startswith("documents.")}
    assert {type(document) for document in DOCUMENTS} == ours
    assert len(ours) == 23


@EACH
@pytest.mark.parametrize("scheme", ["", "ram://"])
def test_document_written_is_read_the_same(document: Document, scheme: str, tmp_path: Path) -> None:
    folder = f"{scheme}{tmp_path}/artifact/7"
    document.write(folder)
    assert type(document).read(folder) == document
    assert type(document).find(folder) == document
    if not scheme:
        assert [file.name for file in (Path(folder) / document.FILE).parent.iterdir()] == [Path(document.FILE).name]


@pytest.mark.parametrize("folder", ["{file}/folder", "nowhere://bucket/folder"])
def test_document_that_cannot_be_written_names_the_file_and_what_to_do(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = folder.format(file=tmp_path / "file")
    with pytest.raises(OutputError, match=rf"^{folder}/metrics\.json: cannot be written \(.+\)\. Free or unlock"):
        METRICS.write(folder)


@EACH
def test_document_says_its_format_version_first(document: Document) -> None:
    assert next(iter(values(document))) == "format_version"
    assert values(document)["format_version"] == (3 if document is WARM_STATE else 1)


@EACH
@pytest.mark.parametrize("scheme", ["", "ram://"])
def test_document_missing_is_none_or_an_error(document: Document, scheme: str, tmp_path: Path) -> None:
    folder = f"{scheme}{tmp_path}"
    assert type(document).find(folder) is None
    with pytest.raises(OutputError) as caught:
        type(document).read(folder)
    assert str(caught.value) == f"{folder}/{document.FILE} is missing. {document.TO_DO}"


@EACH
@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"x"', "[" * 10_000, "\0"])
def test_document_that_is_no_object_is_damaged(document: Document, text: str, tmp_path: Path) -> None:
    file = put(document, tmp_path, text)
    with pytest.raises(DriftError) as caught:
        type(document).find(tmp_path, DriftError)
    assert str(caught.value).startswith(f"{file} is damaged: ")
    assert " Received: " in str(caught.value)
    assert str(caught.value).endswith(f". {document.TO_DO}")
    assert len(str(caught.value)) < 500


@EACH
def test_document_of_a_wrong_type_names_the_field_and_the_value(document: Document, tmp_path: Path) -> None:
    for name in values(document):
        file = put(document, tmp_path, json.dumps(values(document) | {name: [{"x": "x" * 1000}]}))
        with pytest.raises(OutputError) as caught:
            type(document).read(tmp_path)
        said = str(caught.value)
        assert said.startswith(f"{file} is damaged: {name}"), said
        assert "x" * 60 in said
        assert "x" * 81 not in said
        assert said.endswith(document.TO_DO)


@pytest.mark.parametrize(
    ("found", "said"),
    [(4, "format version 4, but this code reads version 3. "
         "A newer version of Perennial wrote it: upgrade Perennial. Or: "),
     (1, "format version 1, but this code reads version 3. Training starts cold."),
     (None, "format version 1, but this code reads version 3. Training starts cold.")],
)  # fmt: skip
def test_document_of_another_format_is_refused(found: int | None, said: str, tmp_path: Path) -> None:
    # Nothing else of it is looked at: what it means may be another thing.
    file = put(WARM_STATE, tmp_path, json.dumps({} if found is None else {"format_version": found}))
    with pytest.raises(OutputError) as caught:
        type(WARM_STATE).read(tmp_path)
    assert str(caught.value).startswith(f"{file} has {said}")


@EACH
def test_document_of_a_newer_format_is_refused(document: Document, tmp_path: Path) -> None:
    newer = values(document)["format_version"] + 1
    put(document, tmp_path, json.dumps(values(document) | {"format_version": newer}))
    with pytest.raises(OutputError, match=rf"has format version {newer}, but this code reads version {newer - 1}\. "):
        type(document).read(tmp_path)


def test_document_without_a_version_is_of_the_first_format(tmp_path: Path) -> None:
    put(
        METRICS,
        tmp_path,
        json.dumps({name: value for name, value in values(METRICS).items() if name != "format_version"}),
    )
    assert type(METRICS).read(tmp_path) == METRICS


@pytest.mark.parametrize("version", ["true", '"1"', "1.5", "null"])
def test_document_whose_version_is_no_number_is_damaged(version: str, tmp_path: Path) -> None:
    put(METRICS, tmp_path, f'{{"format_version": {version}}}')
    with pytest.raises(OutputError, match=r"is damaged: format_version: .+ Received: "):
        type(METRICS).read(tmp_path)


@EACH
def test_document_fields_of_others_are_passed_over_and_kept_in_a_version(document: Document, tmp_path: Path) -> None:
    put(document, tmp_path, json.dumps(values(document) | {"team": {"name": ["shop", None]}}))
    found = type(document).read(tmp_path)
    kept = {"team": {"name": ["shop", None]}} if document is PUSH_RECORD else {}
    assert json.loads(found.to_json()) == values(document) | kept


def test_documents_import_neither_tensorflow_nor_the_pipeline() -> None:
    script = (
        "import documents, importlib, pkgutil, sys\n"
        "for module in pkgutil.iter_modules(documents.__path__):\n"
        "    importlib.import_module(f'documents.{module.name}')\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.replace("'", '"')))
    assert "documents" in loaded
    heavy = {"tensorflow", "tfx", "apache_beam", "numpy", "pyarrow"}
    assert not loaded & (heavy | {"configs", "transforms", "serving_signatures", "trainer", "pipeline"})
