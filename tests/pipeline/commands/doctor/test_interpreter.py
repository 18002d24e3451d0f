"""Interpreters and C libraries that Perennial runs on, and that it does not."""

import pytest

from pipeline.commands.doctor.interpreter import c_library, interpreter


@pytest.mark.parametrize(
    ("version", "status", "found"),
    [
        ((3, 9, 18), "error", "3.9.18; Perennial needs >=3.10,<3.14"),
        ((3, 10, 0), "ok", "3.10.0, for the TFX line 1.16"),
        ((3, 11, 2), "ok", "3.11.2, for the TFX line 1.21"),
        ((3, 13, 5), "ok", "3.13.5, for the TFX line 1.21"),
        ((3, 14, 0), "error", "3.14.0; Perennial needs >=3.10,<3.14"),
    ],
)
def test_interpreter_is_held_against_what_the_package_asks_for(
    version: tuple[int, ...], status: str, found: str
) -> None:
    check = interpreter(version, ">=3.10,<3.14")
    assert (check.status, check.found) == (status, found)
    assert ("bootstrap.sh" in check.advice) == (status == "error")


def test_interpreter_package_not_installed_is_an_error() -> None:
    assert interpreter((3, 12, 1), None).status == "error"


@pytest.mark.parametrize(
    ("name", "version", "machine", "python", "status"),
    [
        ("glibc", "2.36", "x86_64", (3, 10, 1), "ok"),
        ("glibc", "2.36", "x86_64", (3, 12, 1), "error"),
        ("glibc", "2.39", "x86_64", (3, 12, 1), "ok"),
        ("glibc", "2.41", "x86_64", (3, 10, 1), "ok"),
        ("glibc", "2.9", "x86_64", (3, 11, 1), "error"),  # not by its text
        ("glibc", "2.41", "aarch64", (3, 12, 1), "error"),
        ("", "", "x86_64", (3, 12, 1), "error"),
    ],
)
def test_c_library_is_what_the_wheels_of_this_python_want(
    name: str, version: str, machine: str, python: tuple[int, ...], status: str
) -> None:
    check = c_library(name, version, machine, python)
    assert check.status == status
    assert bool(check.advice) == (status == "error")
