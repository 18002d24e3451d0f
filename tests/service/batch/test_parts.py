"""Which parts of an interrupted output are kept."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from common.errors import LockedError
from service.batch.parts import Made, held

MADE = Made(what="recommendations", version=7, source="ab", k=5, users="all")


class Interrupted(Exception):
    """Ends a run."""


def begun(folder: Path, made: Made) -> list[bool]:
    """Begins, and tells which of two parts are there; then a run is interrupted that has made the first one."""
    found = []
    try:
        with held(folder) as parts:
            parts.begin(made)
            found = [parts.has(0), parts.has(1)]
            parts.write(0, pa.table({"n": [1]}))
            parts.snapshot.mkdir(exist_ok=True)
            raise Interrupted
    except Interrupted:
        return found


def test_parts_of_the_same_are_kept(tmp_path: Path) -> None:
    assert begun(tmp_path / "parts", MADE) == [False, False]
    assert begun(tmp_path / "parts", MADE) == [True, False]


@pytest.mark.parametrize("change", [{"what": "x"}, {"version": 8}, {"source": "cd"}, {"k": 6}, {"users": "ef"}])
def test_parts_of_something_else_are_thrown_away(tmp_path: Path, change: dict[str, Any]) -> None:
    begun(tmp_path / "parts", MADE)
    assert begun(tmp_path / "parts", MADE.model_copy(update=change)) == [False, False]


def test_parts_whose_document_is_damaged_are_thrown_away(tmp_path: Path) -> None:
    begun(tmp_path / "parts", MADE)
    (tmp_path / "parts" / Made.FILE).write_text("{")
    assert begun(tmp_path / "parts", MADE) == [False, False]


def test_parts_go_when_the_output_is_complete(tmp_path: Path) -> None:
    with held(tmp_path / "parts") as parts:
        parts.begin(MADE)
        parts.write(0, pa.table({"n": [1]}))
        parts.write(1, pa.table({"n": [2]}))
        assert [table["n"].to_pylist() for table in parts.read(2)] == [[1], [2]]
    assert not (tmp_path / "parts").exists()


def test_parts_that_another_process_holds_are_refused(tmp_path: Path) -> None:
    with held(tmp_path / "parts") as parts:
        with pytest.raises(LockedError, match="another process is making this output"), held(parts.folder):
            pass
        assert parts.folder.exists()


def test_parts_that_were_not_begun_leave_no_folder(tmp_path: Path) -> None:
    try:
        with held(tmp_path / "parts"):
            raise Interrupted
    except Interrupted:
        assert not (tmp_path / "parts").exists()
