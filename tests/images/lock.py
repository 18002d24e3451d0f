"""Reads uv.lock: which packages an environment has, and from which files."""

import functools
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "perennial"
GLIBC_MINOR = 41
"""Debian 13 has glibc 2.41."""


@functools.cache  # Python parses the lock for a third of a second
def _entries(text: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = tomllib.loads(text)["package"]
    return entries


class Package(NamedTuple):
    version: str
    wheels: list[str]
    """File names."""


class Lock:
    """The lock for one Python version on Linux, x86-64."""

    def __init__(self, python: str, lock_file: Path = ROOT / "uv.lock") -> None:
        self._python = python
        self._entries = _entries(lock_file.read_text(encoding="utf-8"))
        self._environment = {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": "x86_64",
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{python}.0",
            "python_version": python,
            "sys_platform": "linux",
        }

    def packages(self, *, extras: Iterable[str] = (), groups: Iterable[str] = ()) -> dict[str, Package]:
        """The packages that are installed beside the project, by name."""
        project = self._entry({"name": PROJECT})
        wanted: list[dict[str, Any]] = [{"name": PROJECT, "extra": list(extras)}]
        for group in groups:
            wanted += project["dev-dependencies"][group]
        found: dict[str, Package] = {}
        seen: set[tuple[str, str]] = set()
        while wanted:
            dependency = wanted.pop()
            if not self._applies(dependency.get("marker")):
                continue
            entry = self._entry(dependency)
            files = [wheel["url"].rsplit("/", 1)[-1] for wheel in entry.get("wheels", [])]
            found[entry["name"]] = Package(entry["version"], files)
            for extra in ["", *dependency.get("extra", [])]:
                if (entry["name"], extra) not in seen:
                    seen.add((entry["name"], extra))
                    wanted += entry.get("optional-dependencies", {})[extra] if extra else entry.get("dependencies", [])
        del found[PROJECT]
        return found

    def has_wheel(self, package: Package) -> bool:
        """Whether one of its wheels can be installed on Debian 13."""
        version = tuple(int(part) for part in self._python.split("."))
        platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC_MINOR, 4, -1)]
        platforms += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]
        tags: set[Tag] = {*cpython_tags(version, platforms=platforms), *compatible_tags(version, platforms=platforms)}
        return any(tags & parse_wheel_filename(wheel.replace("%2B", "+"))[3] for wheel in package.wheels)

    def _entry(self, dependency: dict[str, Any]) -> dict[str, Any]:
        (entry,) = (
            entry
            for entry in self._entries
            if entry["name"] == dependency["name"]
            and dependency.get("version", entry["version"]) == entry["version"]
            and ("resolution-markers" not in entry or any(map(self._applies, entry["resolution-markers"])))
        )
        return entry

    def _applies(self, marker: str | None) -> bool:
        return marker is None or Marker(marker).evaluate(self._environment)
