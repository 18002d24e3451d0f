"""Makes small histories and catalogues in the trainer's form, without TFX."""

from collections.abc import Mapping, Sequence

import numpy as np

from trainer.candidates import Candidates, Content
from trainer.histories import Histories


def interactions_of(
    histories: Sequence[Sequence[int]],
    targets: Sequence[Sequence[str]] = (),
    users: Sequence[int] | None = None,
    weights: Sequence[Sequence[float]] | None = None,
) -> Histories:
    """Makes one split; users are numbered in order unless `users` gives their numbers."""
    targets = targets or [[] for _ in histories]
    flat = [item for history in histories for item in history]
    weight = [w for of_user in weights for w in of_user] if weights is not None else [1.0] * len(flat)
    return Histories(
        user=np.array(users if users is not None else range(len(histories)), np.int32),
        offset=np.cumsum([0, *map(len, histories)]).astype(np.int64),
        item=np.array(flat, np.int32),
        weight=np.array(weight, np.float32),
        target_offset=np.cumsum([0, *map(len, targets)]).astype(np.int64),
        target=np.array([item.encode() for of_user in targets for item in of_user], object),
    )


def random_histories(users: int, items: int, seed: int, longest: int = 25) -> Histories:
    """Histories with repeats, weights and items outside the catalogue; the first is empty."""
    rng = np.random.default_rng(seed)
    length = rng.integers(0, longest, users)
    length[0] = 0
    item = [(items * rng.random(n) ** 2).astype(int) for n in length]
    return interactions_of(
        [np.where(rng.random(len(items)) < 0.05, -1, items).tolist() for items in item],
        weights=[rng.choice([0.5, 2.0, 6.0], n).tolist() for n in length],
    )


def candidates_of(
    rows: Sequence[int], content: Mapping[str, Sequence[Sequence[int]]] | None = None, size: int = 10
) -> Candidates:
    """Makes a catalogue of items "0", "1", … with the given rows among the interacted items; -1 for none."""
    row = np.array(rows, np.int32)
    return Candidates(
        item_id=np.array([str(place).encode() for place in range(len(rows))], object),
        title=np.array([f"Title {place}".encode() for place in range(len(rows))], object),
        row=row,
        place=np.argsort(row)[np.sum(row < 0) :].astype(np.int32),
        content={
            name: Content(
                index=np.array([index for of_item in of_items for index in of_item], np.int32),
                offset=np.cumsum([0, *map(len, of_items)]).astype(np.int64),
                size=size,
            )
            for name, of_items in (content or {}).items()
        },
    )


def grouped_world(seed: int = 0) -> tuple[Histories, Histories, Candidates]:
    """Makes train, eval and catalogue of 60 users in three groups of taste, each with ten items of its own."""
    rng = np.random.default_rng(seed)
    histories = [(group * 10 + rng.permutation(10)).tolist() for group in range(3) for _ in range(20)]
    train = interactions_of([history[:7] for history in histories])
    held_out = interactions_of([history[:7] for history in histories], [[str(history[7])] for history in histories])
    return train, held_out, candidates_of(range(30))
