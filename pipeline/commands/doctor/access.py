"""Checks pip, which the `tfx` command calls, and the credentials for Google Cloud."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from configs.vertex.section import Vertex
from pipeline.commands.doctor.check import Check

EXAMPLE_PROJECT = "example-project"
"""The project in the sample configs: a `vertex` section with this project has not been filled in yet."""


def pip(found: str | None, prefix: str) -> Check:
    """Checks that the `tfx` command finds this environment's pip, which it asks for the installed packages.

    Args:
        found: The pip that is first on the PATH. None: there is none.
        prefix: This environment's folder, `sys.prefix`.
    """
    wants = "The tfx command asks the first pip on the PATH for the installed packages"
    activate = f"put {Path(prefix, 'bin')} first on the PATH, as make does, or activate the environment."
    if found is None:
        return Check("pip", "warning", "none on the PATH", f"{wants}: {activate}")
    if Path(found).parent != Path(prefix, "bin"):
        return Check("pip", "warning", f"{found} belongs to another environment", f"{wants}: {activate}")
    return Check("pip", "ok", found)


def credentials(
    load: Callable[[], tuple[Any, str | None]], vertex: Vertex | None, key_file: str | None = None
) -> Check:
    """Checks that there are Application Default Credentials. They are only loaded; no part of them is printed.

    Args:
        load: `google.auth.default`, or a function that raises the same error if there are none.
        vertex: The config's section. None: the pipeline does not run on Vertex.
        key_file: GOOGLE_APPLICATION_CREDENTIALS of this environment. None: it is not set.
    """
    from google.auth import exceptions

    try:
        found, project = load()
    except (exceptions.GoogleAuthError, OSError, ValueError) as e:
        needed = vertex is not None and vertex.project != EXAMPLE_PROJECT
        missing = "none" if isinstance(e, exceptions.DefaultCredentialsError) else f"unusable ({type(e).__name__})"
        if key_file is not None:
            missing = f"{missing} in {key_file}, which GOOGLE_APPLICATION_CREDENTIALS names"
        advice = "`gcloud auth application-default login`, or name a key's file in GOOGLE_APPLICATION_CREDENTIALS"
        what = "Submitting the job needs them" if needed else "Only commands that call Google Cloud need them"
        return Check("credentials", "error" if needed else "warning", missing, f"{what}: {advice}.")
    kind = f"{type(found).__module__}.{type(found).__name__}, project {project or 'unknown'}"
    if vertex is not None and project and project != vertex.project and vertex.project != EXAMPLE_PROJECT:
        advice = f"vertex.project is {vertex.project}; check that the credentials have access to it."
        return Check("credentials", "warning", kind, advice)
    return Check("credentials", "ok", kind)
