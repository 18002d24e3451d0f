"""What a task finds in the container image: user, folders, environment. `images/pipeline/Dockerfile` says the same.

A test holds the two against each other; the rehearsal starts its tasks with this environment.
"""

USER_ID = 10001
"""Numeric, since Kubernetes' `runAsNonRoot` cannot see from a name that it is not root's."""

GROUP_ID = 10001
"""The user's group."""

HOME = "/home/perennial"
"""The user's home, the only folder besides `/tmp` that it may write to."""

VENV = "/opt/perennial/venv"
"""The virtual environment; root's, so that no task can change what the next one runs."""

PATH = f"{VENV}/bin:/usr/local/bin:/usr/bin:/bin"
"""Vertex starts tasks as `python`: this must find the environment's."""

ENVIRONMENT = {
    # TensorFlow Recommenders needs Keras 2, chosen before TensorFlow is imported.
    "TF_USE_LEGACY_KERAS": "1",
    "LANG": "C.UTF-8",
    # A line of the log is to be seen when it is written, also if the task is killed after it.
    "PYTHONUNBUFFERED": "1",
    # Beam's start program would else make an environment of its own, which sees nothing of what is in this one
    # (https://github.com/apache/beam/pull/26753), in a folder that this user may not write to.
    "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1",
    # A GPU's driver is the machine's: the container runtime is asked for it, and Google's machines mount it there.
    "NVIDIA_VISIBLE_DEVICES": "all",
    "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    "LD_LIBRARY_PATH": "/usr/local/nvidia/lib64",
}
"""The image's variables, but for HOME and PATH, which differ where there is no image."""
