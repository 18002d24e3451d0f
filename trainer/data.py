"""Reads what every kind of model is trained on and measured by: once, however many models there are."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow_transform as tft

from configs.content_features import ContentFeatures
from serving_signatures.provenance import digest_of
from trainer.candidates import Candidates, read_candidates
from trainer.fn_args import FnArgs
from trainer.histories import Histories, read_histories
from trainer.popularity import popularity_shares
from transforms import features
from transforms.catalogue import content_sizes, content_vocabularies


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """The data of one run.

    Attributes:
        interactions: The train split; items are rows, the places in `interacted_items`.
        held_out: The eval split.
        candidates: The catalogue.
        popularity: float32 `[items]`, by place: each item's share of the training interactions.
        users: Ids of users, the vocabulary.
        interacted_items: Ids of interacted items, the vocabulary.
        vocabularies: Vocabularies of content features by name; a feature of numbers has none.
    """

    interactions: Histories
    held_out: Histories
    candidates: Candidates
    popularity: npt.NDArray[np.float32]
    users: list[bytes]
    interacted_items: list[bytes]
    vocabularies: dict[str, list[bytes]]

    @property
    def counts(self) -> dict[str, int]:
        """Sizes, for the log and the provenance."""
        return {
            "users": len(self.users),
            "items": self.candidates.items,
            "interacted_items": len(self.interacted_items),
            "interactions": len(self.interactions.item),
        }

    def digest(self) -> str:
        """Digest of the indices, and of what each index means: 64 hexadecimal digits."""
        arrays: list[npt.NDArray[Any]] = []
        for split in (self.interactions, self.held_out):
            arrays += [split.user, split.offset, split.item, split.weight, split.target_offset]
            arrays += [split.timestamp] if split.timestamp is not None else []
        words: list[Iterable[bytes]] = [self.users, self.interacted_items]
        words += [self.candidates.item_id, self.candidates.title, self.held_out.target]
        for name, content in sorted(self.candidates.content.items()):
            arrays += [content.index, content.offset]
            words += [[name.encode()], self.vocabularies.get(name, [])]
        # Each list has its own digest, so that the end of one list cannot be read as the start of the next.
        lists = (digest_of(entries).encode() for entries in words)
        return digest_of([*lists, *(array.tobytes() for array in arrays)])


def read_data(
    fn_args: FnArgs,
    content: ContentFeatures,
    interactions_graph: tft.TFTransformOutput,
    catalogue_graph: tft.TFTransformOutput,
) -> TrainingData:
    """Reads the data of a run.

    Args:
        fn_args: Where it is.
        content: The content features of the catalogue.
        interactions_graph: Transform graph of the interactions.
        catalogue_graph: Transform graph of the catalogue.

    Raises:
        TrainingError: A file is missing, or catalogue and log do not fit; see `read_candidates`.
    """
    interactions = read_histories(fn_args.train_files)
    items = interactions_graph.vocabulary_by_name(features.INTERACTED_ITEM_VOCABULARY)
    candidates = read_candidates(fn_args.candidates_files, items, content_sizes(catalogue_graph, content))
    return TrainingData(
        interactions=interactions,
        held_out=read_histories(fn_args.eval_files),
        candidates=candidates,
        popularity=popularity_shares(interactions.with_items(candidates.place), candidates.items),
        users=interactions_graph.vocabulary_by_name(features.USER_VOCABULARY),
        interacted_items=items,
        vocabularies=content_vocabularies(catalogue_graph, content),
    )
