"""How RetrievalEvaluator measures a model, and which model it blesses."""

from pydantic import Field

from configs.base import Settings


class Evaluation(Settings):
    """How a model is measured."""

    top_k: tuple[int, ...] = (1, 5, 10, 20, 50, 100)
    """The k of recall@k, nDCG@k and hit_rate@k."""

    max_users: int = Field(default=50_000, ge=1)
    """Evaluated users, the first ones in id-hash order; bounds the time of an evaluation."""

    seed: int = Field(default=0, ge=0)
    """Seed of the bootstrap."""


class Gate(Settings):
    """Which model is blessed: one that passes every rule."""
