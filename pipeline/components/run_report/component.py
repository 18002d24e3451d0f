"""RunReport makes the page of the run that it is part of; a run that fails on the way gets its page from the runner."""

from pipeline.components.run_report.executor import Executor
from pipeline.ground.node import Node


class RunReport(Node):
    """Writes the page.

    Component `outputs` contains:
     - `report`: Channel of type `ground.artifacts.RunReport`, an HTML file.
    """

    EXECUTOR = Executor
