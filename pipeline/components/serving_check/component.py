"""ServingCheck asks the exported model in a fresh process, without our code, before it is pushed.

It replaces TFX's InfraValidator, which needs Docker on a laptop and which KubeflowV2DagRunner refuses.
"""

from pipeline.components.serving_check.executor import Executor
from pipeline.ground.node import Node


class ServingCheck(Node):
    """Replays the requests that are stored in the model and compares the answers with those of the trainer.

    Component `outputs` contains:
     - `blessing`: Channel of type `standard_artifacts.InfraBlessing`; `serving_check.json` inside gives the reasons.
    """

    EXECUTOR = Executor
