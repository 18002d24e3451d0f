"""Defines how matrix factorisation by implicit alternating least squares is trained and served."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from configs.models.base import Model
from configs.models.ranges import Choice, FloatRange, Range


class Ials(Model):
    """Matrix factorisation for implicit feedback, trained by alternating least squares (Hu et al. 2008).

    It minimises, over factors `w` of users and `h` of items,

        sum of c (w·h - 1)² over interactions  +  a (w·h)² over all pairs  +  l (m + a n)^v |f|² over users and items

    with the confidence `c`, the weight `a` of an unobserved pair, the regularisation `l` and the exponent `v`; of a
    user or item, `f` is the factor, `m` the sum of the confidences, and `n` the number of items or users on the other
    side (Rendle et al. 2022, section 3). The confidence of an interaction is 1; or, with `use_event_weights`, its
    weight divided by the mean weight of its user: only ratios of a user's weights count, in training and in serving.

    Example:
        trainer:
          kind: ials
          embedding_dim: 64
          iterations: 8
    """

    kind: Literal["ials"] = "ials"
    """The kind of model."""

    embedding_dim: int = Field(default=64, ge=2, le=1024)
    """Length of the factors. To solve for one takes its cube in time, for each user and item of an iteration and for
    each query. Default 64: on validation, 128 changes nDCG@10 by 1 % or less on MovieLens 100K and MovieTweetings, and
    by +16 % on retailrocket with equal weights, for three to four times the time."""

    iterations: int = Field(default=8, ge=1)
    """Passes over all interactions; each solves for all users, then for all items. Default 8: on MovieLens 100K, 6, 12
    and 24 differ by 1 % in nDCG@10."""

    regularisation: float = Field(default=0.015, gt=0)
    """How strongly factors are drawn to zero. Its unit depends on `frequency_exponent`: search both together. Default
    0.015: compared with 0.01, it changes nDCG@10 on validation by -2 % on MovieLens 100K (newest like held out), +7 %
    there (ratings held out at random), +1 % on MovieTweetings, +2 % on goodbooks-10k and -2 % on retailrocket; 0.02 is
    worse on MovieLens 100K."""

    unobserved_weight: float = Field(default=8.0, gt=0)
    """Weight of all pairs of user and item together, for which the model should say 0, relative to all interactions
    together: `a = unobserved_weight * sum of c / pairs`. Rendle et al. 2022 choose `a` itself; but of 0.03, 0.1 and 0.3
    the last is the best on MovieLens 100K, of which 4 % of the pairs are observed, and takes nDCG@10 on retailrocket,
    of which 0.2 % are, from 0.109 to 0.025: too heavy, it draws all factors to zero. Default 8: nDCG@10 on validation
    within 7 % of the best that was found for 64 dimensions, on each of the logs above."""

    frequency_exponent: float = Field(default=1.0, ge=0, le=1)
    """How far the regularisation of a factor grows with its number of interactions: 0, not at all, as in Hu et al.
    2008; 1, in proportion. Default 1: that of Rendle et al. 2022."""

    use_event_weights: bool = False
    """Whether the confidence of an interaction follows the weight of its event, in training and in a query. Default:
    no. On retailrocket (0.5, 2 and 6 for views, baskets and purchases), nDCG@10 on validation is 0.111 without weights
    and 0.108 with them, nDCG@100 is 0.193 and 0.187."""

    max_history: int = Field(default=500, ge=1)
    """Largest number of interactions in a query, the newest ones; training uses all. It bounds the work of a query: at
    64 dimensions and 10,000 items, one with 20 interactions takes 0.9 ms, one with 500 takes 1.0 ms."""

    history_decay: float = Field(default=0.8, gt=0, le=1)
    """Confidence of an interaction in a query, relative to the next newer one. Not used without an order. Default 0.8:
    0.7 to 0.9 differ little on MovieLens 100K, where 1 loses 30 % of nDCG@10; 0.8 is better than 0.9 on
    MovieTweetings."""

    SPACE: ClassVar[Mapping[str, Range]] = {
        "embedding_dim": Choice((32, 64, 128)),
        "regularisation": FloatRange(0.002, 0.1, log=True),
        "unobserved_weight": FloatRange(1.0, 64.0, log=True),
        "history_decay": FloatRange(0.5, 0.98),
    }

    @property
    def decay(self) -> float:
        """Confidence of an interaction relative to the next newer one: 1 without an order."""
        return self.history_decay if self.is_ordered else 1.0

    @property
    def passes(self) -> int:
        """How often training goes through the interactions."""
        return self.iterations if self.learn else 0
