"""Fixtures of one model for all signatures: in memory, saved and loaded, and as an oracle."""

import dataclasses
from typing import Any

import pytest
import tensorflow as tf

from serving_signatures.retriever import Retriever
from tests.serving_signatures.oracle import Oracle, exported, make_retriever
from tests.trainer_inputs import TrainerInputs
from tests.vertex_api.buckets import gs, store

__all__ = ["gs", "store"]


@dataclasses.dataclass(frozen=True)
class Served:
    """A model, and the oracle with its expected answers."""

    folder: str
    loaded: Any
    retriever: Retriever
    oracle: Oracle


@pytest.fixture(scope="session")
def served(shop: TrainerInputs) -> Served:
    """The exported model of the shop."""
    folder = str(exported(shop))
    retriever, oracle = make_retriever(shop)
    return Served(folder, tf.saved_model.load(folder), retriever, oracle)
