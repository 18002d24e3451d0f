"""Pages as files: that of each local run, whatever became of it."""

import logging
from collections.abc import Sequence
from pathlib import Path

from common.atomicity import write_text
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
        write_text(path, page)
    except Exception as e:  # files of any age and shape are read
        raise OutputError(
            f"{path}: the report of run {run.number} cannot be written ({type(e).__name__}: {e}). "
            f"`perennial runs show {run.number}` reads the metadata store alone."
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


def _local_path(config: PipelineConfig, run: Run) -> Path:
    return local_home(config) / REPORTS_DIR / f"{run.number}.html"
