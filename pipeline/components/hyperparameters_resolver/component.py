"""HyperParametersResolver replaces `Resolver(LatestArtifactStrategy)` where the metadata store is shared.

On Vertex, TFX's compiler makes that resolver a query for the newest HyperParameters of the project, whichever pipeline
has made them (`tfx/orchestration/kubeflow/v2/step_builder.py`, TFX 1.16), and the backend of Kubeflow Pipelines refuses
resolvers; see LiveModelResolver.
"""

from pipeline.components.hyperparameters_resolver.executor import Executor
from pipeline.ground.node import Node


class HyperParametersResolver(Node):
    """Finds the artifact that Tuner's note names. Its result must never come from the cache.

    Component `outputs` contains:
     - `hyperparameters`: Channel of type `standard_artifacts.HyperParameters`; see `ground.presence` for the case that
       there is none.
    """

    EXECUTOR = Executor
