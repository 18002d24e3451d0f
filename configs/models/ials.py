"""Defines how matrix factorisation by implicit alternating least squares is trained and served."""

from typing import Literal

from pydantic import Field

from configs.base import Settings


class Ials(Settings):
    """Matrix factorisation for implicit feedback, trained by alternating least squares (Hu et al. 2008).

    It minimises, over factors `w` of users and `h` of items,

        sum of c (w·h - 1)² over interactions  +  a (w·h)² over all pairs  +  l (m + a n)^v |f|² over users and items

    with the confidence `c`, the weight `a` of an unobserved pair, the regularisation `l` and the exponent `v`; of a
    user or item, `f` is the factor, `m` the sum of the confidences, and `n` the number of items or users on the other
    side (Rendle et al. 2022, section 3). The confidence of an interaction is its weight, divided by the mean weight of
    its user: only ratios of a user's weights count, in training and in serving, and plain likes have 1.

    Example:
        trainer:
          kind: ials
          embedding_dim: 64
          iterations: 16
    """

    kind: Literal["ials"]
    """The kind of model."""

    embedding_dim: int = Field(default=64, ge=2, le=1024)
    """Length of the factors. An iteration and a query cost its cube for each solved row."""

    iterations: int = Field(default=16, ge=1)
    """Passes over all interactions; each solves for all users, then for all items."""

    regularisation: float = Field(default=0.01, gt=0)
    """How strongly factors are drawn to zero. Its unit depends on `frequency_exponent`: search both together."""

    unobserved_weight: float = Field(default=8.0, gt=0)
    """Weight of all pairs of user and item together, for which the model should say 0, relative to all interactions
    together: `a = unobserved_weight * sum of c / pairs`."""

    frequency_exponent: float = Field(default=1.0, ge=0, le=1)
    """How far the regularisation of a factor grows with its number of interactions: 0, not at all, as in Hu et al.
    2008; 1, in proportion. Default 1: the best on all logs of Rendle et al. 2022."""

    ordered_history: bool | None = None
    """Whether the order of a history has a meaning, so that the newest interactions weigh most in a query."""

    max_history: int = Field(default=500, ge=1)
    """Largest number of interactions in a query, the newest ones. It bounds the work of a query. Training uses all."""

    history_decay: float = Field(default=0.8, gt=0, le=1)
    """Confidence of an interaction in a query, relative to the next newer one. Not used without an order."""

    @property
    def decay(self) -> float:
        """Confidence of an interaction relative to the next newer one: 1 without an order."""
        return 1.0 if self.ordered_history is False else self.history_decay
