"""Makes labels that say what a run is made of: config, data, code, TFX.

On Vertex, a label's value has at most 63 characters: small letters, digits, `_` and `-`.
"""

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
"""The environment variable that names the commit if there is no repository, as in Cloud Build."""

_DIGEST_CHARACTERS = 32
"""Characters of a digest in a label: a value can have 63, a digest has 64, and half of it is unique enough."""

_MAX_VALUE = 63

_GIT_SECONDS = 30
"""Timeout of git: it takes long to look for changed files on a slow disk."""


def label_value(text: str) -> str:
    """Turns a text into a valid label value, such as `1-16-0` for `1.16.0`."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:_MAX_VALUE]


def data_label(data_digest: str | None) -> dict[str, str]:
    """Makes the label of a run's data. The data is known only at submission, so a schedule's runs have no such label.

    Args:
        data_digest: 64 hexadecimal digits. None for a job that reads no files, which has no such label.
    """
    return {DATA: data_digest[:_DIGEST_CHARACTERS]} if data_digest else {}


def made_of(config: PipelineConfig) -> dict[str, str]:
    """Makes the labels of config and code. They are put into the job when it is compiled: later both may have changed.

    Args:
        config: The pipeline.
    """
    commit = git_commit()
    return {
        CONFIG: config_digest(config)[:_DIGEST_CHARACTERS],
        **({COMMIT: label_value(commit)} if commit else {}),
    }


def labels(config: PipelineConfig, job: CompiledJob) -> dict[str, str]:
    """Makes the labels of a run, except the label of its data.

    Args:
        config: The pipeline.
        job: Its compiled job, which has TFX's own labels, and those of `made_of` if they were added at compilation.

    Returns:
        The labels; `vertex.labels` override all others.
    """
    compiled = {key: label_value(str(value)) for key, value in job.document.get("labels", {}).items()}
    tfx = {TFX: label_value(job.tfx_version)} if job.tfx_version else {}
    return {**compiled, **tfx, **(dict(config.vertex.labels) if config.vertex else {})}


def git_commit(package: Path = Path(__file__).parents[2]) -> str | None:
    """Finds the git commit of this code.

    Args:
        package: A folder of the code.

    Returns:
        40 hexadecimal digits, followed by `-dirty` if a file of the repository differs from the commit; or the value of
        `PERENNIAL_GIT_COMMIT`. None if the code is not in a repository of its own: an installed package may be in a
        folder of somebody else's repository.
    """
    if commit_in_environment := os.environ.get(COMMIT_VARIABLE):
        return commit_in_environment
    commit = _git(package, "rev-parse", "--verify", "HEAD")
    if commit is None or not _is_tracked(package):
        return None
    changed = _git(package, "status", "--porcelain", "--", ":/")
    # If git did not answer, the files may have changed: a label without `-dirty` must be certain.
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
