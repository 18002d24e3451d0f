"""Says when a model of ordered histories does not fit the interactions that it is judged on."""

from configs.models import Model

_MOSTLY_LATER = 0.1
"""A split in time holds out next to nothing that is older than the training interactions of its user."""


def order_warning(trainer: Model, held_out_early: float | None) -> str | None:
    """Says why a model of ordered histories does not fit the held-out interactions; None if it does.

    Args:
        trainer: The model's settings.
        held_out_early: The share of held-out interactions that are older than the newest training interaction of their
            user; None if it was not measured.
    """
    if not trainer.is_ordered or held_out_early is None or held_out_early <= _MOSTLY_LATER:
        return None
    return (
        f"{held_out_early:.0%} of the held-out interactions are older than the newest training interaction of their "
        "user: the given split is not one in time, but trainer.ordered_history is on (the default for a log with "
        "timestamps), so the model is trained on one question and judged on another. Set ordered_history: false, or "
        "split in time."
    )
