"""DataGate stops the run if the data does not fit the schema, or is too far from what the last model learned from.

ExampleValidator only records anomalies and does not stop the run, and a schema does not know yesterday's data.
"""

from pipeline.components.data_gate.executor import Executor
from pipeline.ground.node import Node


class DataGate(Node):
    """Fails on anomalies that are not ignored by name, and on data beyond the config's limits.

    Component `outputs` contains:
     - `blessing`: Channel of type `DataBlessing`; the trainer waits for it, and stores a copy with the model.
    """

    EXECUTOR = Executor
