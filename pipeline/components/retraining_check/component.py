"""RetrainingCheck says, before the training, whether it is due.

TFX has no component for it: its pipelines train in every run.
"""

from pipeline.components.retraining_check.executor import Executor
from pipeline.ground.node import Node


class RetrainingCheck(Node):
    """Compares today's data with the data that the last blessed model learned from, and asks that model about it.

    Component `outputs` contains:
     - `decision`: Channel of type `RetrainingDecision`; `retraining.json` inside gives the reasons.
    """

    EXECUTOR = Executor
