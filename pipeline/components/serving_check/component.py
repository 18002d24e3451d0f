"""ServingCheck asks the exported model in a fresh process, without our code, before it is pushed.

It does what TFX's InfraValidator would do, which needs Docker on a laptop and is refused by KubeflowV2DagRunner.
"""

from pipeline.components.serving_check.executor import Executor
from pipeline.ground.node import Node


class ServingCheck(Node):
    """Replays the requests that the model carries and compares with the trainer's own answers.

    Component `outputs` contains:
     - `blessing`: Channel of type `standard_artifacts.InfraBlessing`; `serving_check.json` inside says why.
    """

    EXECUTOR = Executor
