"""Checks whether the versions of the installed libraries fit together, and whether the libraries load."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

import common
from pipeline.commands.doctor.check import Check

LINES = ("tfx", "tensorflow", "tensorflow-transform", "tfx-bsl", "tf-keras", "kfp", "protobuf")
"""Libraries whose versions are shown."""

ASKED = ("perennial", "tfx", "tensorflow", "tensorflow-transform", "tensorflow-data-validation", "tfx-bsl", "tf-keras")
"""Packages whose requirements are compared with the installed versions."""

_LOCK = "Install the versions of uv.lock: ./bootstrap.sh."

_KERAS_2 = "tf_keras"

_LOAD_SECONDS = 300
"""Timeout of the imports: TFX takes some seconds to import, and a minute on a cold network drive."""

_PROBE = """
import sys
# Python puts the current folder first, where a person may have modules of the same names.
sys.path[:] = [folder for folder in sys.path if folder]
if sys.argv[1] not in sys.path:
    sys.path.insert(0, sys.argv[1])
import json
import common  # which chooses Keras 2, as every process of the pipeline does
import tensorflow as tf
from google.protobuf.internal import api_implementation
import tfx.version
# Not by way of tfx.components alone: that of TFX 1.21 keeps to itself what did not load.
import tfx.components.transform.component
import tfx.orchestration.local.local_dag_runner
import tensorflow_recommenders
print(json.dumps({
    "tfx": tfx.version.__version__,
    "tensorflow": tf.__version__,
    "keras": tf.keras.Model.__module__.partition(".")[0],
    "protobuf": api_implementation.Type(),
}))
"""
"""Its argument is the folder of our packages."""


def installed() -> dict[str, str]:
    """Returns the versions of all installed distributions by normalised name, except those with broken metadata."""
    found = {}
    for distribution in metadata.distributions():
        try:
            fields = distribution.metadata
        except (OSError, ValueError):
            continue
        if fields is not None and "Name" in fields and "Version" in fields:
            # See https://packaging.python.org/en/latest/specifications/name-normalization/.
            found[re.sub(r"[-_.]+", "-", fields["Name"]).lower()] = fields["Version"]
    return found


def requirements() -> dict[str, list[str]]:
    """Returns the requirements of each installed package of `ASKED`, by name."""
    asked = {}
    for name in ASKED:
        try:
            asked[name] = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
    return asked


def versions(found: Mapping[str, str], requires: Mapping[str, Sequence[str]]) -> Check:
    """Checks that the installed versions meet the requirements of TFX, Perennial and the other packages of `ASKED`.

    Args:
        found: Installed versions by normalised name.
        requires: Requirements of each package, in the format of PEP 508.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    faults = []
    for package, wanted in requires.items():
        for text in wanted:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                faults.append(f"{package} has the requirement {text!r}, which is not valid")
                continue
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
                continue
            version = found.get(canonicalize_name(requirement.name))
            if version is None:
                faults.append(f"{package} needs {requirement.name}, which is missing")
            elif not requirement.specifier.contains(version, prereleases=True):
                faults.append(f"{package} needs {requirement.name} {requirement.specifier}, but {version} is installed")
    faults += [f"{name} is missing" for name in ("perennial", "tfx") if name not in requires]
    if faults:
        return Check("versions", "error", "; ".join(sorted(set(faults))), _LOCK)
    return Check("versions", "ok", ", ".join(f"{name} {found[name]}" for name in LINES if name in found))


def kubeflow(version: str | None) -> Check:
    """Checks that the job can be compiled.

    Args:
        version: The version of the installed kfp. None: it is not installed.
    """
    if version is None:
        return Check("kfp", "error", "not installed", f"A job for Vertex cannot be compiled without it. {_LOCK}")
    if int(version.split(".")[0]) < 2:
        return Check("kfp", "error", version, f"TFX's compiler for Vertex needs kfp 2 or later. {_LOCK}")
    return Check("kfp", "ok", version)


def mlflow(version: str | None) -> Check:
    """Checks that comparisons can be recorded, of a config that asks for it.

    Args:
        version: The version of the installed mlflow-skinny. None: it is not installed.
    """
    if version is None:
        advice = (
            "Install Perennial with the extra mlflow: `uv sync --extra mlflow`, or `pip install perennial[mlflow]`."
        )
        return Check("MLflow", "warning", "not installed, so compare.mlflow records nothing", advice)
    return Check("MLflow", "ok", version)


def load(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Imports the libraries in a process of its own.

    Args:
        environment: That process's environment. None: this one's.

    Returns:
        Versions of `tfx` and `tensorflow`, the package that `tf.keras` is from as `keras`, and the implementation of
        `protobuf`; or only `error`.
    """
    own = str(Path(common.__file__).resolve().parents[1])
    try:
        answer = subprocess.run(
            [sys.executable, "-c", _PROBE, own],
            capture_output=True,
            text=True,
            timeout=_LOAD_SECONDS,
            env=None if environment is None else dict(environment),
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        return {"error": str(e)}
    if answer.returncode != 0:
        lines = answer.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else f"ended with status {answer.returncode}"}
    loaded: dict[str, str] = json.loads(answer.stdout.strip().splitlines()[-1])
    return loaded


def imports(loaded: Mapping[str, str]) -> Check:
    """Checks that the libraries load.

    Args:
        loaded: The result of `load`.
    """
    if "error" in loaded:
        advice = f"`python -c 'import pipeline.runners.local'` shows the whole error. {_LOCK}"
        return Check("imports", "error", loaded["error"], advice)
    return Check("imports", "ok", f"TFX {loaded['tfx']} and TensorFlow {loaded['tensorflow']} load")


def keras(loaded: Mapping[str, str], setting: str | None) -> Check:
    """Checks that Keras is the version that TensorFlow Recommenders needs.

    Args:
        loaded: The result of `load`.
        setting: TF_USE_LEGACY_KERAS of this environment. None: it is not set, and Perennial sets it.
    """
    needed = "TensorFlow Recommenders needs Keras 2"
    if setting is not None and setting.lower() not in ("1", "true"):
        advice = f"{needed}: unset TF_USE_LEGACY_KERAS, or set it to 1."
        return Check("Keras", "error", f"TF_USE_LEGACY_KERAS={setting}", advice)
    package = loaded.get("keras")
    if package is None:
        return Check("Keras", "error", "unknown, because TensorFlow does not load", f"{needed}, of tf-keras. {_LOCK}")
    if package != _KERAS_2:
        return Check("Keras", "error", f"tf.keras is {package}", f"{needed}, of tf-keras. {_LOCK}")
    return Check("Keras", "ok", f"tf.keras is {package}, Keras 2")


def protobuf(loaded: Mapping[str, str], setting: str | None) -> Check:
    """Checks that protobuf uses a fast implementation.

    Args:
        loaded: The result of `load`.
        setting: PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION of this environment. None: it is not set.
    """
    kind = loaded.get("protobuf")
    if kind is None:
        return Check("protobuf", "error", "unknown, because TFX does not load", _LOCK)
    if kind == "python":
        why = "Examples are encoded many times slower"
        advice = "unset PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION." if setting else _LOCK
        return Check("protobuf", "warning", "the pure Python implementation", f"{why}: {advice}")
    return Check("protobuf", "ok", f"implementation {kind}")


def this_environment(name: str) -> str | None:
    """Reads a variable of this process's environment; None if it is not set or empty.

    Args:
        name: The variable's name.
    """
    return os.environ.get(name) or None
