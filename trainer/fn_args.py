"""The arguments of `run_fn`: those of TFX and the catalogue's channels."""

import attr
from tfx.components.trainer import fn_args_utils


@attr.s
class FnArgs(fn_args_utils.FnArgs):
    """TFX's FnArgs and the candidates. `custom_config` holds the JSON values of `trainer.settings.TrainerSettings`.

    Attributes:
        candidates_files: Patterns of the transformed catalogue Examples.
        candidates_transform_graph_path: The transform graph that made them.
        is_due: Whether training is due. If not, the base model takes in today's items and users.
    """

    candidates_files = attr.ib(type=list[str], default=None)
    candidates_transform_graph_path = attr.ib(type=str, default=None)
    is_due = attr.ib(type=bool, default=True)
