"""RegistryPusher makes the pushed model the blessed version in the Model Registry, and deploys it to an Endpoint.

TFX's own Pusher for Vertex takes project and region from `custom_config`, deploys without the registry's versions, and
sends all traffic to the new model at once.
"""

from pipeline.components.registry_pusher.executor import Executor
from pipeline.ground.node import Node


class RegistryPusher(Node):
    """Registers a pushed model once, deploys it, and moves traffic and aliases.

    Component `outputs` contains:
     - `registered_model`: Channel of type `standard_artifacts.PushedModel`, whose destination is the version's
       resource name; `registry.json` inside records what was done.
    """

    EXECUTOR = Executor
