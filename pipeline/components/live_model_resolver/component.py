"""LiveModelResolver stands for `Resolver(LatestBlessedModelStrategy)` where the metadata store is not ours to change.

A rollback must last: the next run must not compare with, nor start from, the model that was taken out of service. The
serving folder holds that state itself: what is live was blessed, and what a rollback withdrew is not live. Besides, not
every backend runs resolvers: that of Kubeflow Pipelines refuses them ("resolver not implemented yet",
https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/compiler/argocompiler/argo.go).
"""

from pipeline.components.live_model_resolver.executor import Executor
from pipeline.ground.node import Node


class LiveModelResolver(Node):
    """Finds the model artifact that the live version was pushed from. It must never be answered from a cache.

    Component `outputs` contains:
     - `model`: Channel of type `standard_artifacts.Model`; see `ground.presence` for one that is not there.
    """

    EXECUTOR = Executor
