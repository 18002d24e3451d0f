"""Pusher copies a model that evaluation and ServingCheck blessed into the serving folder.

TFX's own Pusher copies directly into the version's folder, takes the current second as the version's number, and pushes
a model without any blessing if none is wired.
"""

from tfx.types import standard_component_specs

from pipeline.components.pusher.executor import Executor
from pipeline.ground.node import Node


class Pusher(Node):
    """Pushes to a serving folder, atomically and once.

    Component `outputs` contains:
     - `pushed_model`: Channel of type `standard_artifacts.PushedModel`; `push.json` inside records what was done. The
       model itself, and the service's data beside it, are only in the serving folder.
    """

    EXECUTOR = Executor
    TYPE_ANNOTATION = standard_component_specs.PusherSpec.TYPE_ANNOTATION
