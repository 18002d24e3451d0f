"""Pages as files: that of each local run, whatever became of it."""

import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from common.errors import OutputError
from configs.pipeline import PipelineConfig
from pipeline.ground.home import local_home
from pipeline.report.facts import parts_of_run, read_facts
from pipeline.report.page import build_page
from pipeline.store.runs.records import Run
from pipeline.store.runs.retention import REPORTS_DIR


def write_local_report(config: PipelineConfig, run: Run) -> Path:
    """Writes the page of a local run, whatever became of the run.

    Args:
        config: The pipeline.
        run: As the metadata store has it.

    Returns:
        `<output_dir>/<name>/reports/<number>.html`, there whole or not at all.

    Raises:
        OutputError: The page cannot be built or written. The run is what it is; its page is only a view of it.
    """
    path = _local_path(config, run)
    try:
        page = build_page(read_facts(config.name, parts_of_run(run), run), local_home(config))
        write_page(path, page)
    except Exception as e:  # files of any age and shape are read
        raise OutputError(
            f"{path}: the report of run {run.number} cannot be written ({type(e).__name__}: {e}). "
            f"`perennial run show {run.number}` reads the metadata store alone."
        ) from e
    logging.getLogger("perennial.report").info("wrote %s, %.0f KiB", path.name, len(page) / 1024)
    return path


def write_missing_reports(config: PipelineConfig, runs: Sequence[Run]) -> None:
    """Writes the pages of those newest runs that have none: a process that is killed leaves none of its run.

    Args:
        config: The pipeline; `runs.keep` says how many runs are the newest.
        runs: All that have ended, oldest first.
    """
    for run in runs[-config.runs.keep :]:
        if not _local_path(config, run).exists():
            try:
                write_local_report(config, run)
            except OutputError as e:
                logging.getLogger("perennial.report").error("%s", e)


def write_page(path: Path, page: str) -> None:
    """Writes an HTML document in UTF-8, there whole or not at all; the folder is made if need be.

    Args:
        path: Where to.
        page: The document.

    Raises:
        OSError: The page cannot be written.
    """
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, suffix=".tmp", delete=False) as file:
        try:
            file.write(page)
            file.close()
            os.chmod(file.name, 0o644)  # a temporary file is for its owner alone
            os.replace(file.name, path)
        except OSError:
            os.unlink(file.name)
            raise


def _local_path(config: PipelineConfig, run: Run) -> Path:
    return local_home(config) / REPORTS_DIR / f"{run.number}.html"
