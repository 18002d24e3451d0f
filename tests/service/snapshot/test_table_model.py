"""A model without embeddings, trained for real: the snapshot's table says what its signature says."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from service.ranking.neighbours import graph, similar
from service.ranking.query import Query
from service.ranking.ranker import Ranker
from service.snapshot.prepare import prepare
from service.snapshot.snapshot import Snapshot
from tests.service.in_process import InProcess
from tests.trainer.models.conformance import run
from tests.trainer_inputs import TrainerInputs

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("kind", ["item_item", "ials"])
def test_similar_items_of_the_service_are_those_of_the_signature(
    shop: TrainerInputs, tmp_path: Path, kind: str
) -> None:
    folder = run(shop, tmp_path, {"kind": kind})
    model = InProcess(folder)
    made = asyncio.run(prepare(folder, model, tmp_path / "made"))
    assert (made.dim, made.has_neighbours) == (None, True)
    snapshot = Snapshot.open(tmp_path / "made")
    ids = list(snapshot.item_ids)
    answer = model.ask("similar_items", item_id=np.array([i.encode() for i in ids], object), k=[10] * len(ids))
    rankings = similar(Ranker(snapshot), range(len(ids)), Query(k=10))
    for ranking, items, scores in zip(rankings, answer["item_id"], answer["score"], strict=True):
        expected = [item.decode() for item in items if item]
        assert [ids[place] for place in ranking.places.tolist()] == expected
        assert ranking.scores.tolist() == scores[: len(expected)].tolist()
    assert any(len(ranking.places) for ranking in rankings)
    found = graph(Ranker(snapshot), ids.index("i0"), 2, 3, 50)
    assert len(found.nodes) > 3
    assert all(edge.cosine > 0 for edge in found.edges if kind == "item_item")
    snapshot.close()
