"""Compares the service's ranking with the model's own signatures, on the requests that the trainer stored."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.answers import PADDING_SCORE, array, compare
from common.errors import ModelError
from documents.serving_requests import ServingRequests, StoredRequest, StoredTensor
from service.backends.question import Question
from service.ranking.neighbours import similar
from service.ranking.query import Query
from service.ranking.ranker import Ranker, Ranking
from service.versions.asker import Asker
from service.versions.replay import TOLERANCE


async def check_ranking(folder: Path, ranker: Ranker, asker: Asker) -> None:
    """Ranks what `recommend` and `similar_items` were asked.

    Args:
        folder: The version's folder.
        ranker: Ranks on the version's snapshot.
        asker: Asks its model.

    Raises:
        ModelError: A ranking differs from the model's own.
        BackendError: The model does not answer.
    """
    for request in ServingRequests.read(folder, ModelError).requests:
        if request.edge or request.signature not in ("recommend", "similar_items"):
            continue
        inputs = {name: array(_stored(form)) for name, form in request.inputs.items()}
        k = inputs["k"].tolist()
        if request.signature == "recommend":
            rankings = [await _recommended(ranker, asker, inputs, row) for row in range(len(k))]
        else:
            rankings = _neighbours(ranker, inputs)
        _compare(ranker, request, rankings, k)


async def _recommended(ranker: Ranker, asker: Asker, inputs: dict[str, Any], row: int) -> Ranking:
    snapshot = ranker.snapshot
    history = [item_id.decode() for item_id in inputs["history"][row]]
    weights = inputs["history_weight"][row]
    exclude = [item_id.decode() for item_id in inputs["exclude"][row]]
    left_out = snapshot.left_out(snapshot.places_of(history), weights)
    query = Query(k=int(inputs["k"][row]), left_out=np.concatenate([left_out, snapshot.places_of(exclude)]))
    question = Question(inputs["user_id"][row].decode(), tuple(history), tuple(weights.tolist()))
    return (await asker.rank(question, ranker.plan(query))).ranking


def _neighbours(ranker: Ranker, inputs: dict[str, Any]) -> list[Ranking]:
    nothing = Ranking(np.zeros(0, np.int64), np.zeros(0, np.float32), 0, False)
    found = []
    for item_id, k in zip(inputs["item_id"], inputs["k"].tolist(), strict=True):
        place = ranker.snapshot.place_of(item_id.decode())
        found.append(nothing if place is None else similar(ranker, [place], Query(k=k))[0])
    return found


def _compare(ranker: Ranker, request: StoredRequest, rankings: Sequence[Ranking], k: list[int]) -> None:
    names = ("item_id", "score")
    stored = {name: _stored(request.outputs[name]) for name in names}
    shape = stored["item_id"]["shape"]
    item_ids, scores = np.full(shape, b"", object), np.full(shape, PADDING_SCORE, np.float32)
    for row, ranking in enumerate(rankings):
        n = len(ranking.places)
        item_ids[row, :n] = [ranker.snapshot.item_id(place).encode() for place in ranking.places.tolist()]
        scores[row, :n] = ranking.scores
    failures, _ = compare({"item_id": item_ids, "score": scores}, stored, TOLERANCE, k)
    if failures:
        raise ModelError(
            f"the service ranks otherwise than the model's own {request.signature} ({request.name}): {failures[0]}"
        )


def _stored(form: StoredTensor) -> dict[str, Any]:
    return {**form.model_dump(), "shape": list(form.shape)}
