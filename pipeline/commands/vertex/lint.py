"""The command `perennial vertex lint`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from common.errors import JobError
from pipeline.commands.arguments import add_command, add_config, add_json
from pipeline.commands.chosen_config import chosen
from pipeline.commands.vertex.arguments import add_images, add_job
from pipeline.ground.terminal import print_json

if TYPE_CHECKING:
    from configs.pipeline import PipelineConfig
    from pipeline.commands.arguments import Commands
    from pipeline.job.lint.finding import Finding


def add_parser(commands: "Commands") -> None:
    """Adds `lint` to `perennial vertex`.

    Args:
        commands: The group.
    """
    parser = add_command(
        commands,
        "lint",
        "find what would fail or behave unexpectedly on Vertex, before anything is uploaded",
        _lint,
        details="Checks the config's pipeline and its compiled job; for each finding it says where it is, why it "
        "matters and how to fix it. With --job it checks that job instead, which may be of any TFX pipeline; then it "
        "reads a config only if --config names one. The exit status is 1 if there is an error.",
        examples=["perennial vertex lint", "perennial vertex lint --job pipeline.json --strict"],
    )
    add_config(parser)
    add_images(parser)
    add_job(parser)
    parser.add_argument("--strict", action="store_true", help="end with status 1 after a warning as well")
    add_json(parser)


def _lint(arguments: argparse.Namespace) -> None:
    from configs.load import load_config
    from pipeline.commands.vertex import findings as showing
    from pipeline.runners.vertex.context import job_context
    from pipeline.runners.vertex.image_option import with_images

    job_file: Path | None = arguments.job
    named = arguments.config or (None if job_file else chosen(None))
    images = arguments.image, arguments.dataflow_image
    if images != (None, None) and not named:
        raise JobError(
            f"--image and --dataflow-image override images of a config; {job_file} has its own images. Name a "
            "--config, or leave the two options out."
        )
    config = with_images(load_config(named), *images) if named else None
    if job_file is not None:
        from pipeline.job.compiled import read_job
        from pipeline.job.lint import job_findings

        findings = job_findings(read_job(job_file), job_context(config))
    else:
        assert config is not None  # without a job file, a config is always named
        findings = _config_findings(config)
    skipped = showing.skipped(config, named or "")
    subject = str(job_file or named)
    if arguments.json:
        print_json(showing.as_json(subject, findings, skipped))
    else:
        showing.show(subject, findings, skipped, Console())
    errors = sum(finding.severity == "error" for finding in findings)
    if errors or (arguments.strict and findings):
        raise JobError(f"{subject}: lint found {errors} error(s) and {len(findings) - errors} warning(s).")


def _config_findings(config: "PipelineConfig") -> "list[Finding]":
    from pipeline.job.compiled import parse_job
    from pipeline.job.lint import job_findings, pipeline_findings
    from pipeline.job.lint.finding import in_order
    from pipeline.runners.vertex.compile import VertexDagRunner, vertex_pipeline
    from pipeline.runners.vertex.context import job_context

    vertex, pipeline = vertex_pipeline(config)
    findings = pipeline_findings(pipeline)
    if any(finding.severity == "error" for finding in findings):
        return findings  # the compiler may refuse the pipeline, and then there is no job to check
    job = VertexDagRunner(vertex).run(pipeline, write_out=False)
    return in_order(findings + job_findings(parse_job(job, config.name), job_context(config)))
