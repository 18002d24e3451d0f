"""RegistryPusher makes what the Pusher pushed the blessed version in the Model Registry, and lets an Endpoint answer.

TFX's own Pusher for Vertex takes project and region from `custom_config`, deploys without the registry's versions, and
gives all traffic to the new model at once.
"""

from pipeline.components.registry_pusher.executor import Executor
from pipeline.ground.node import Node


class RegistryPusher(Node):
    """Registers a pushed model once, deploys it, and moves traffic and aliases.

    Component `outputs` contains:
     - `registered_model`: Channel of type `standard_artifacts.PushedModel`, whose destination is the version's
       resource name; `registry.json` inside says what was done.
    """

    EXECUTOR = Executor
