"""Labels that say what a run is made of. On Vertex a value has at most 63 of small letters, digits, `_` and `-`."""

import os
import re
import subprocess
from pathlib import Path

from configs.load import config_digest
from configs.pipeline import PipelineConfig
from pipeline.job.compiled import CompiledJob

CONFIG, DATA, COMMIT, TFX = "config_digest", "data_digest", "git_commit", "tfx_version"
"""Keys of labels; `tfx_version` is TFX's own key."""

COMMIT_VARIABLE = "PERENNIAL_GIT_COMMIT"
"""The environment variable that names the commit where there is no repository, as in Cloud Build."""

_DIGEST_CHARACTERS = 32
"""Of a digest's 64: a value takes 63, and half tell digests apart as well."""

_MAX_VALUE = 63

_GIT_SECONDS = 30
"""After which git has no answer; looking for changed files takes long on a slow disk."""


def label_value(text: str) -> str:
    """The nearest text that a label takes, such as `1-16-0` for `1.16.0`."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:_MAX_VALUE]


def data_label(data_digest: str | None) -> dict[str, str]:
    """The label of what a run reads, which nobody knows before it is submitted: a schedule's runs have none.

    Args:
        data_digest: 64 hexadecimal digits. None for a job that reads no files, which has no such label.
    """
    return {DATA: data_digest[:_DIGEST_CHARACTERS]} if data_digest else {}


def made_of(config: PipelineConfig) -> dict[str, str]:
    """The labels of config and code. Whoever compiles a job puts them into it: later, both may be others.

    Args:
        config: The pipeline.
    """
    commit = git_commit()
    return {
        CONFIG: config_digest(config)[:_DIGEST_CHARACTERS],
        **({COMMIT: label_value(commit)} if commit else {}),
    }


def labels(config: PipelineConfig, job: CompiledJob) -> dict[str, str]:
    """The labels of a run, but that of its data.

    Args:
        config: The pipeline.
        job: Its compiled job, which brings TFX's own labels, and those of `made_of` if whoever compiled it put them in.

    Returns:
        The labels; those of `vertex.labels` win.
    """
    compiled = {key: label_value(str(value)) for key, value in job.document.get("labels", {}).items()}
    tfx = {TFX: label_value(job.tfx_version)} if job.tfx_version else {}
    return {**compiled, **tfx, **(dict(config.vertex.labels) if config.vertex else {})}


def git_commit(package: Path = Path(__file__).parents[2]) -> str | None:
    """The commit that this code is of.

    Args:
        package: A folder of the code.

    Returns:
        40 hexadecimal digits, with `-dirty` after them where a file of the repository differs from it; or what
        `PERENNIAL_GIT_COMMIT` says. None where the code is in no repository: installed, it may lie inside a stranger's.
    """
    if told := os.environ.get(COMMIT_VARIABLE):
        return told
    commit = _git(package, "rev-parse", "--verify", "HEAD")
    if commit is None or not _is_tracked(package):
        return None
    changed = _git(package, "status", "--porcelain", "--", ":/")
    # Without an answer nobody knows, and a commit that is named is to be the whole truth.
    return commit if changed == "" else f"{commit}-dirty"


def _is_tracked(package: Path) -> bool:
    return _git(package, "ls-files", "--error-unmatch", "__init__.py") is not None


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=_GIT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
