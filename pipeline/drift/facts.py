"""Gathers what a later run is compared with: counts of a run's data, and samples of its ids.

Of a set of ids, only the smallest hashes are kept. They are a uniform sample of bounded size that does not hold the ids
themselves. The samples of two sets can be compared, because they are drawn by the same hashes ("bottom-k", Cohen and
Kaplan 2007). Up to `SAMPLED_IDS` ids, the sample is the whole set, and the shares below are exact; for larger sets,
their standard error is at most 0.2 % of the set (binomial, share of one half).
"""

import io
import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from tfx.dsl.io import fileio

from configs.data_gate import DataGateSettings
from documents.catalogue import CatalogueReport
from documents.cleaning import TRAIN, CleaningReport
from documents.data_gate import Counts, DriftCheck, Filled
from pipeline.drift.checks import at_most
from pipeline.ground.layout import ITEMS_FILE
from transforms import features
from transforms.hashing import id_hashes

SAMPLED_IDS = 1 << 16
"""Hashes that are kept for one set; 512 KiB."""

SAMPLES = ("users", "items", "catalogue_items")
COUNTS = ("events", "users", "items", "catalogue_items")
RATES = ("events_per_day", "users_per_day", "items_per_day")

_RECORDS_A_READ = 4096


@dataclass(frozen=True)
class DataFacts:
    """Counts and samples of a run's data."""

    counts: Counts
    samples: dict[str, npt.NDArray[np.int64]]
    """By the names in `SAMPLES`: the smallest hashes of the ids, sorted."""


def gather(
    interactions_uri: str, cleaning: CleaningReport, catalogue_uri: str, catalogue: CatalogueReport
) -> DataFacts:
    """Gathers the facts of a run's data.

    Args:
        interactions_uri: Folder of the interaction Examples.
        cleaning: InteractionGen's report.
        catalogue_uri: Folder of the catalogue Examples.
        catalogue: CatalogueGen's report.

    Returns:
        The counts and the samples.
    """
    train = cleaning.splits[TRAIN]
    # The items that only the log has come after the catalogue's own. They do not belong to the catalogue.
    own = catalogue.items - catalogue.added_items
    days = cleaning.recent_days
    with fileio.open(os.path.join(interactions_uri, ITEMS_FILE), "rb") as file:
        items = pq.read_table(pa.BufferReader(file.read())).column(features.ITEM_ID).to_pylist()
    return DataFacts(
        counts=Counts(
            events=cleaning.steps[-1].rows_out,
            users=train.users,
            items=train.items,
            catalogue_items=own,
            oldest_timestamp=cleaning.oldest_timestamp,
            newest_timestamp=cleaning.newest_timestamp,
            events_per_day=_mean(days.events) if days else None,
            users_per_day=_mean(days.users) if days else None,
            items_per_day=_mean(days.items) if days else None,
            filled=_filled(catalogue, own),
            held_out_early=cleaning.held_out_early,
        ),
        samples={
            "users": sample([_hashes_of(interactions_uri, features.USER_ID)]),
            "items": sample([id_hashes(items)] if items else []),
            "catalogue_items": sample([_hashes_of(catalogue_uri, features.ITEM_ID, first=own)]),
        },
    )


def _filled(catalogue: CatalogueReport, own: int) -> dict[str, Filled]:
    items = {features.TITLE: own - catalogue.untitled_items, **catalogue.filled}
    return {
        name: Filled(items=items[name], of_items=own, interactions=interactions, of_interactions=catalogue.interactions)
        for name, interactions in catalogue.filled_interactions.items()
    }


def _mean(days: tuple[int, ...]) -> float | None:
    return float(np.mean(days)) if days else None


def sample(hashes: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """Returns the smallest hashes, sorted, without repeats."""
    return np.unique(np.concatenate([np.zeros(0, np.int64), *hashes]))[:SAMPLED_IDS]


def share_outside(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> float:
    """Estimates the share of a set's ids that another set lacks.

    Args:
        one: Sample of the set.
        other: Sample of the other set.

    Returns:
        The share: exact if both sets are smaller than `SAMPLED_IDS`; 0 for an empty set.
    """
    # A full sample holds all hashes up to its largest one, and says nothing about larger hashes.
    largest = [sampled[-1] for sampled in (one, other) if len(sampled) == SAMPLED_IDS]
    seen = one[one <= min(largest)] if largest else one
    return float(np.mean(~np.isin(seen, other))) if len(seen) else 0.0


def growth_checks(today: DataFacts, last: DataFacts, settings: DataGateSettings) -> list[DriftCheck]:
    """Compares ids and counts.

    Args:
        today: The facts of this run's data.
        last: The facts of the last blessed model's data.
        settings: The limits.

    Returns:
        `growth` checks of shares of ids, and `count` checks of ratios.
    """
    shares = [
        ("users", today, last, "max_new_users", "of today's training users are new"),
        ("items", today, last, "max_new_items", "of today's training items are new"),
        ("catalogue_items", today, last, "max_new_catalogue_items", "of today's catalogue items are new"),
        ("catalogue_items", last, today, "max_gone_catalogue_items", "of the last run's catalogue items are gone"),
    ]
    checks = [
        _share_check(
            what, share_outside(one.samples[what], other.samples[what]), field, getattr(settings, field), words
        )
        for what, one, other, field, words in shares
        # If there was no catalogue in the last run, or there is none today, only the log's items are compared.
        if getattr(settings, field) is not None and len(one.samples[what]) and len(other.samples[what])
    ]
    for what in (*COUNTS, *RATES):
        now, then = getattr(today.counts, what), getattr(last.counts, what)
        if now is not None and then:
            kind = "daily" if what in RATES else "count"
            checks += _ratio_checks(what, now, then, kind, settings)
    return checks


def to_bytes(samples: dict[str, npt.NDArray[np.int64]]) -> bytes:
    """Returns the samples as the bytes of an .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **samples)  # type: ignore[arg-type]  # mypy: a name could be allow_pickle
    return buffer.getvalue()


def from_bytes(content: bytes) -> dict[str, npt.NDArray[np.int64]]:
    """Reads the samples that `to_bytes` wrote.

    Raises:
        KeyError, ValueError, OSError, zipfile.BadZipFile: The bytes are not such a file.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as samples:
        return {name: samples[name] for name in SAMPLES}


def _share_check(what: str, share: float, field: str, limit: float, words: str) -> DriftCheck:
    detail = f"{share:.1%} {words}; data_gate.{field} allows {limit:.1%}"
    data = "catalogue" if what == "catalogue_items" else "interactions"
    measure = "share_gone" if "gone" in field else "share_new"
    return DriftCheck(
        check="growth",
        data=data,
        split="train",
        feature=what,
        measure=measure,
        value=share,
        limit=limit,
        passed=at_most(share, limit),
        detail=detail,
    )


def _ratio_checks(what: str, now: float, then: float, kind: str, settings: DataGateSettings) -> list[DriftCheck]:
    ratio = now / then
    data = "catalogue" if what == "catalogue_items" else "interactions"
    counted = f"{what.replace('_', ' ')}: {now:,.0f} today, {then:,.0f} in the last run, {ratio:.2f} times as many"
    checks = []
    for bound, passes in (("min", lambda limit: ratio >= limit), ("max", lambda limit: ratio <= limit)):
        field = f"{bound}_{kind}_ratio"
        limit = getattr(settings, field)
        if limit is not None:
            words = "requires at least" if bound == "min" else "allows at most"
            detail = f"{counted}; data_gate.{field} {words} {limit:g}"
            checks.append(
                DriftCheck(
                    check="count",
                    data=data,
                    split="",
                    feature=what,
                    measure=f"{bound}_ratio",
                    value=ratio,
                    limit=limit,
                    passed=passes(limit),
                    detail=detail,
                )
            )
    return checks


def _hashes_of(uri: str, feature: str, first: int | None = None) -> npt.NDArray[np.int64]:
    """Hashes a feature with one value in the Examples of the split `train`: in the `first` ones, or in all."""
    files = sorted(tf.io.gfile.glob(os.path.join(uri, "Split-train", "*")))
    records = (
        tf.data.TFRecordDataset(files, compression_type="GZIP")
        .take(-1 if first is None else first)
        .batch(_RECORDS_A_READ)
    )
    spec = {feature: tf.io.FixedLenFeature([], tf.string)}
    blocks = [id_hashes(tf.io.parse_example(block, spec)[feature]) for block in records]
    return np.concatenate([np.zeros(0, np.int64), *blocks])
