"""Shows lint's findings on a terminal and as JSON values."""

from typing import Any

from rich.console import Console
from rich.markup import escape

from configs.pipeline import PipelineConfig
from pipeline.job.lint.containers import NEED_CONTEXT
from pipeline.job.lint.finding import Finding, together

_STYLES = {"error": "bold red", "warning": "bold yellow"}


def skipped(config: PipelineConfig | None, name: str) -> dict[str, str]:
    """Lists the rules that could not be checked, each with the reason.

    Args:
        config: The config; None if there was none.
        name: The config's name in the reason.
    """
    if config is None:
        return dict.fromkeys(NEED_CONTEXT, "the job file does not contain this value: name its config with --config")
    if config.vertex is None:
        return dict.fromkeys(NEED_CONTEXT, f"{name} has no vertex section")
    return {} if config.vertex.image_tfx else {NEED_CONTEXT[0]: "vertex.image_tfx does not say what is in the image"}


def as_json(subject: str, findings: list[Finding], not_checked: dict[str, str]) -> dict[str, Any]:
    """Returns the findings as JSON values.

    Args:
        subject: The config or job.
        findings: The findings.
        not_checked: Rules that could not be checked, each with the reason.
    """
    errors = sum(finding.severity == "error" for finding in findings)
    return {
        "subject": subject,
        "errors": errors,
        "warnings": len(findings) - errors,
        "findings": [finding.as_json() for finding in findings],
        "skipped": not_checked,
    }


def show(subject: str, findings: list[Finding], not_checked: dict[str, str], console: Console) -> None:
    """Prints each finding once, with the tasks that have it.

    Args:
        subject: The config or job.
        findings: The findings.
        not_checked: Rules that could not be checked, each with the reason.
        console: Where to print.
    """
    for finding, tasks in together(findings).items():
        style = _STYLES[finding.severity]
        _print(console, f"[{style}]{finding.severity}[/] [bold]{finding.rule}[/]")
        if tasks:
            _print(console, f"  task   {escape(', '.join(tasks))}")
        for name, text in (("where", finding.where), ("why", finding.why), ("fix", finding.fix)):
            _print(console, f"  {name:6} {escape(text)}")
    for rule, why in not_checked.items():
        _print(console, f"[dim]Not checked: {rule}, since {escape(why)}.[/]")
    if not findings:
        _print(console, f"{escape(subject)}: no findings.")


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)
