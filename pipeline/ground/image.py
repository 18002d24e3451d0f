"""What a task finds in the container image: user, folders, environment. `images/pipeline/Dockerfile` has the same.

A test compares the two; the rehearsal starts its tasks with this environment.
"""

USER_ID = 10001
"""The user. It is a number because Kubernetes' `runAsNonRoot` cannot see from a name that the user is not root."""

GROUP_ID = 10001
"""The user's group."""

HOME = "/home/perennial"
"""The user's home, the only folder besides `/tmp` that it may write to."""

VENV = "/opt/perennial/venv"
"""The virtual environment. It belongs to root, so that no task can change the code of the next one."""

PATH = f"{VENV}/bin:/usr/local/bin:/usr/bin:/bin"
"""Vertex starts tasks as `python`: that must be the interpreter of the virtual environment."""

ENVIRONMENT = {
    # TensorFlow Recommenders needs Keras 2, chosen before TensorFlow is imported.
    "TF_USE_LEGACY_KERAS": "1",
    "LANG": "C.UTF-8",
    # Each line of the log must be visible at once, also if the task is killed afterwards.
    "PYTHONUNBUFFERED": "1",
    # Otherwise Beam's start program would make its own environment, which does not have the packages of this one
    # (https://github.com/apache/beam/pull/26753), in a folder that this user may not write to.
    "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1",
    # The GPU driver belongs to the machine: we ask the container runtime for it, and Google's machines mount it there.
    "NVIDIA_VISIBLE_DEVICES": "all",
    "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    "LD_LIBRARY_PATH": "/usr/local/nvidia/lib64",
}
"""The image's environment variables, except HOME and PATH, which differ where there is no image."""
