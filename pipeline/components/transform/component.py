"""Transform is TFX's Transform, with the code of its `preprocessing_fn` in the cache key.

TFX puts the content of a `module_file` into the key, but only the name of a function that is named by a dotted path.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tfx import types
from tfx.components.transform import component
from tfx.proto import transform_pb2

from pipeline.ground.code_digest import code_digest
from pipeline.ground.node import CODE_DIGEST


class Transform(component.Transform):
    """Analyses only the split `train`, so that no eval data gets into vocabularies or statistics.

    Component `outputs` are those of TFX's Transform.
    """

    def __init__(
        self,
        examples: types.BaseChannel,
        schema: types.BaseChannel,
        preprocessing_fn: str,
        settings: Mapping[str, Any],
        splits: Sequence[str],
    ) -> None:
        """Declares the component.

        Args:
            examples: The raw Examples.
            schema: Their schema.
            preprocessing_fn: Dotted path of the function.
            settings: JSON values for it.
            splits: The splits to transform.
        """
        super().__init__(
            examples=examples,
            schema=schema,
            preprocessing_fn=preprocessing_fn,
            splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=list(splits)),
            disable_statistics=True,  # StatisticsGen has already looked at the data
            custom_config={**settings, CODE_DIGEST: code_digest(preprocessing_fn.rpartition(".")[0])},
        )
