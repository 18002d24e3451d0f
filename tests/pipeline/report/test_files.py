"""Pages of local runs, as files."""

from pathlib import Path

import pytest

from common.errors import OutputError
from configs.load import DEFAULT_CONFIG, load_config
from pipeline.report.files import write_local_report
from tests.pipeline.report import worlds


def test_write_local_report_failed_run_page_stands_under_its_number(tmp_path: Path) -> None:
    config = load_config(DEFAULT_CONFIG).model_copy(update={"output_dir": str(tmp_path)})
    run = worlds.run(7, failed="InteractionGen", error="no rows")
    path = write_local_report(config, run)
    assert path == tmp_path / "movielens-100k" / "reports" / "7.html"
    assert "Failed in InteractionGen" in path.read_text()
    assert list(path.parent.iterdir()) == [path]


def test_write_local_report_folder_is_a_file_reported_as_such(tmp_path: Path) -> None:
    config = load_config(DEFAULT_CONFIG).model_copy(update={"output_dir": str(tmp_path)})
    (tmp_path / "movielens-100k").mkdir()
    (tmp_path / "movielens-100k" / "reports").write_text("in the way")
    with pytest.raises(OutputError, match=r"7\.html: the report of run 7 cannot be written"):
        write_local_report(config, worlds.run(7, failed="InteractionGen"))
