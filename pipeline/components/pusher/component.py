"""Pusher puts a model that evaluation and ServingCheck blessed where it is served from.

TFX's own copies straight into the version's folder, takes the clock's second for its number, and pushes a model without
any blessing if none is wired.
"""

from tfx.types import standard_component_specs

from pipeline.components.pusher.executor import Executor
from pipeline.ground.node import Node


class Pusher(Node):
    """Pushes to a serving folder, atomically and once.

    Component `outputs` contains:
     - `pushed_model`: Channel of type `standard_artifacts.PushedModel`; `push.json` inside says what was done. The
       model itself is in the serving folder alone.
    """

    EXECUTOR = Executor
    TYPE_ANNOTATION = standard_component_specs.PusherSpec.TYPE_ANNOTATION
