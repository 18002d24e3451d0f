"""LiveModelResolver replaces `Resolver(LatestBlessedModelStrategy)` where we cannot change the metadata store.

A rollback must last: the next run must not compare with, nor start from, the model that was taken out of service. The
serving folder itself holds that state: a live model was blessed, and a model that a rollback withdrew is not live.
Besides, not every backend runs resolvers: the backend of Kubeflow Pipelines refuses them ("resolver not implemented
yet", https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/compiler/argocompiler/argo.go).
"""

from pipeline.components.live_model_resolver.executor import Executor
from pipeline.ground.node import Node


class LiveModelResolver(Node):
    """Finds the model artifact that the live version was pushed from. Its result must never come from the cache.

    Component `outputs` contains:
     - `model`: Channel of type `standard_artifacts.Model`; see `ground.presence` for the case that there is none.
    """

    EXECUTOR = Executor
