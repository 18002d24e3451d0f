"""The command `perennial vertex lint`."""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from common.errors import JobError
from configs.load import CONFIG_VARIABLE, DEFAULT_CONFIG, load_config
from configs.pipeline import PipelineConfig
from pipeline.commands.vertex import findings as showing
from pipeline.job.lint.finding import Finding, in_order
from pipeline.runners.vertex.context import job_context
from pipeline.runners.vertex.image_option import add_images, with_images


def add_parser(
    commands: "argparse._SubParsersAction[Any]", add_config: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds `lint` to a command line.

    Args:
        commands: What `ArgumentParser.add_subparsers` returned.
        add_config: Gives a parser `--config`.
    """
    parser = commands.add_parser("lint", help="tell what would fail or surprise on Vertex, before anything is uploaded")
    add_config(parser)
    # With --job, a config is looked at only if it is named.
    parser.set_defaults(config=None)
    add_images(parser)
    parser.add_argument(
        "--job", type=Path, help="a compiled job of any TFX pipeline, .json, or .yaml for KFP's backend"
    )
    parser.add_argument("--strict", action="store_true", help="end with status 1 for warnings, too")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.set_defaults(command=_lint)


def _lint(arguments: argparse.Namespace) -> None:
    job_file: Path | None = arguments.job
    named = arguments.config or (None if job_file else os.environ.get(CONFIG_VARIABLE) or str(DEFAULT_CONFIG))
    images = arguments.image, arguments.dataflow_image
    if images != (None, None) and not named:
        raise JobError(
            f"--image and --dataflow-image stand in for images of a config; {job_file} has its own. Name a --config, "
            "or neither image."
        )
    config = with_images(load_config(named), *images) if named else None
    if job_file is not None:
        from pipeline.job.compiled import read_job
        from pipeline.job.lint import job_findings

        findings = job_findings(read_job(job_file), job_context(config))
    else:
        assert config is not None  # else there was a job
        findings = _config_findings(config)
    skipped = showing.skipped(config, named or "")
    subject = str(job_file or named)
    if arguments.json:
        print(json.dumps(showing.as_json(subject, findings, skipped), ensure_ascii=False, indent=2))
    else:
        showing.show(subject, findings, skipped, Console())
    errors = sum(finding.severity == "error" for finding in findings)
    if errors or (arguments.strict and findings):
        raise JobError(f"{subject}: lint found {errors} error(s) and {len(findings) - errors} warning(s).")


def _config_findings(config: PipelineConfig) -> list[Finding]:
    from pipeline.job.compiled import parse_job
    from pipeline.job.lint import job_findings, pipeline_findings
    from pipeline.runners.vertex.compile import VertexDagRunner, vertex_pipeline

    vertex, pipeline = vertex_pipeline(config)
    findings = pipeline_findings(pipeline)
    if any(finding.severity == "error" for finding in findings):
        return findings  # the compiler may refuse it, and then there is no job to look at
    job = VertexDagRunner(vertex).run(pipeline, write_out=False)
    return in_order(findings + job_findings(parse_job(job, config.name), job_context(config)))
