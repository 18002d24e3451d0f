"""Packages, console script and package data of Perennial; metadata and tools are in pyproject.toml."""

from setuptools import find_packages, setup

PACKAGES = ["common", "documents", "configs", "transforms", "serving_signatures", "trainer", "service", "pipeline"]

setup(
    packages=find_packages(include=[pattern for package in PACKAGES for pattern in (package, f"{package}.*")]),
    package_data={
        "configs": ["*.yaml", "schemas/*/*.pbtxt"],
        "pipeline.report": ["templates/*"],
        "service.protos": ["*.binpb"],
    },
    entry_points={"console_scripts": ["perennial=pipeline.commands.cli:main"]},
)
