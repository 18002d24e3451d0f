"""RunReport makes the page of its own run; if a run fails before this component, the runner makes the page."""

from pipeline.components.run_report.executor import Executor
from pipeline.ground.node import Node


class RunReport(Node):
    """Writes the page.

    Component `outputs` contains:
     - `report`: Channel of type `ground.artifacts.RunReportPage`, an HTML file.
    """

    EXECUTOR = Executor
