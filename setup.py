"""Packages, console script and package data of Perennial; metadata and tools are in pyproject.toml."""

from setuptools import find_packages, setup

ROOMS = ["configs", "transforms", "serving_signatures", "trainer", "pipeline"]

setup(
    packages=find_packages(include=[pattern for room in ROOMS for pattern in (room, f"{room}.*")]),
    package_data={"configs": ["*.yaml", "schemas/*/*.pbtxt"], "pipeline.report": ["templates/*"]},
    entry_points={"console_scripts": ["perennial=pipeline.cli:main"]},
)
