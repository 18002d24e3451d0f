"""Writes the report page of each local run to a file, however the run ended."""

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
    """Writes the page of a local run, however the run ended.

    Args:
        config: The pipeline.
        run: The run, as the metadata store has it.

    Returns:
        `<output_dir>/<name>/reports/<number>.html`, written whole or not at all.

    Raises:
        OutputError: The page cannot be built or written. This does not change the run's outcome.
    """
    path = _local_path(config, run)
    try:
        page = build_page(read_facts(config.name, parts_of_run(run), run), local_home(config))
        write_text(path, page)
    except Exception as e:  # the page reads files of any age and format, so any error is possible
        raise OutputError(
            f"{path}: the report of run {run.number} cannot be written ({type(e).__name__}: {e}). `perennial runs "
            f"show {run.number}` needs only the metadata store."
        ) from e
    logging.getLogger("perennial.report").info("wrote %s, %.0f KiB", path.name, len(page) / 1024)
    return path


def write_missing_reports(config: PipelineConfig, runs: Sequence[Run]) -> None:
    """Writes the missing pages of the newest runs: a process that was killed wrote no page.

    Args:
        config: The pipeline; `runs.keep` says how many runs are the newest.
        runs: All runs that have ended, oldest first.
    """
    for run in runs[-config.runs.keep :]:
        if not _local_path(config, run).exists():
            try:
                write_local_report(config, run)
            except OutputError as e:
                logging.getLogger("perennial.report").error("%s", e)


def _local_path(config: PipelineConfig, run: Run) -> Path:
    return local_home(config) / REPORTS_DIR / f"{run.number}.html"
