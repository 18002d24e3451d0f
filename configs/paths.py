"""Resolves the paths of a config: variables, the home folder, and folders whose names look like patterns."""

import glob as globs
import os
import re
from pathlib import Path

_VARIABLE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")


class PathError(ValueError):
    """A path cannot be resolved. The message says why and what to do."""


def expanded(path: str) -> str:
    """Replaces variables in a path that stands in a YAML.

    Args:
        path: `$NAME` and `${NAME}` are variables of the environment, and `$$` is a dollar.

    Raises:
        PathError: A variable is not set.
    """
    return _VARIABLE.sub(_value, path)


def resolved(path: str, folder: Path, *, glob: bool) -> str:
    """Resolves a path that stands in a YAML.

    Args:
        path: Local, or with a scheme such as `gs://`, without variables. A local path may begin with `~`.
        folder: The YAML's folder, where a relative path starts.
        glob: Whether the path is a glob. The name of an existing file or folder is then no pattern, also if it holds
            `[`: it is escaped.

    Returns:
        An absolute local path, or a path with a scheme.

    Raises:
        PathError: A user's home folder is unknown.
    """
    if "://" in path:
        return path
    at_home = os.path.expanduser(path)
    if at_home.startswith("~"):
        raise PathError(f"the home folder of {at_home.split('/')[0]!r} is unknown; write ./~ for a file of this name.")
    absolute = os.path.normpath(folder / at_home)
    return _escaped(absolute) if glob else absolute


def _value(found: re.Match[str]) -> str:
    name = found[1] or found[2]
    if name is None:
        return "$"
    if name not in os.environ:
        raise PathError(f"the variable ${name} of the environment is not set; set it, or write $$ for a dollar.")
    return os.environ[name]


def _escaped(path: str) -> str:
    """Escapes the parts of a glob that are names of files or folders, one after the other."""
    plain, escaped = "/", ""
    for part in path.split("/")[1:]:
        if globs.has_magic(part) and os.path.lexists(os.path.join(plain, part)):
            escaped += f"/{globs.escape(part)}"
        else:
            escaped += f"/{part}"
        plain = os.path.join(plain, part)
    return escaped
