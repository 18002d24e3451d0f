"""Checks the interpreter, and the C library that TensorFlow's wheels need."""

from pipeline.commands.doctor.check import Check

FIRST_CURRENT_LIBC = (2, 39)
"""First glibc version with which the wheels of TFX 1.21 load; `bootstrap.sh` uses the same."""

_SETUP = "Set the environment up with ./bootstrap.sh, which chooses the interpreter."


def interpreter(version: tuple[int, ...], requires: str | None) -> Check:
    """Checks that the package can be installed for this Python.

    Args:
        version: `sys.version_info`'s first three numbers.
        requires: The package's Requires-Python, such as `>=3.10,<3.14`. None: the package is not installed.
    """
    from packaging.specifiers import SpecifierSet

    text = ".".join(map(str, version))
    if requires is None:
        return Check("Python", "error", f"{text}; the package perennial is not installed for it", _SETUP)
    if not SpecifierSet(requires).contains(text, prereleases=True):
        return Check("Python", "error", f"{text}; Perennial needs {requires}", _SETUP)
    return Check("Python", "ok", f"{text}, for the TFX line {'1.16' if version < (3, 11) else '1.21'}")


def c_library(name: str, version: str, machine: str, python: tuple[int, ...]) -> Check:
    """Checks that TensorFlow's wheels for this Python load on this machine.

    Args:
        name: `platform.libc_ver`'s first part: `glibc`, or empty for another library.
        version: Its second part, such as `2.36`.
        machine: `platform.machine()`.
        python: `sys.version_info`'s first three numbers.
    """
    found = f"{name or 'no glibc'} {version}".strip() + f" on {machine}"
    if name != "glibc" or machine != "x86_64":
        return Check("C library", "error", found, "TFX has wheels for glibc on x86-64 only; use the image, or Debian.")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if python >= (3, 11) and numbers < FIRST_CURRENT_LIBC:
        needed = ".".join(map(str, FIRST_CURRENT_LIBC))
        advice = f"TFX 1.21 needs glibc {needed} (Debian 13, Ubuntu 24.04); on this machine use Python 3.10. {_SETUP}"
        return Check("C library", "error", found, advice)
    return Check("C library", "ok", found)
