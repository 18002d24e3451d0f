"""What a later run is compared with: counts of a run's data, and samples of its ids.

A set of ids is kept as the smallest of their hashes: a uniform sample without the ids themselves, bounded in size, of
which any two sets share the same ids ("bottom-k", Cohen and Kaplan 2007). Up to `SAMPLED_IDS` ids it is the set itself,
and the shares below are exact; beyond, their standard error is 0.2 % of the set at most (binomial, share of one half).
"""

import io
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from tfx.dsl.io import fileio

from configs.data_gate import DataGate
from pipeline.components.data_gate.checks import Check, at_most
from pipeline.components.interaction_gen.outcome import ITEMS_FILE
from transforms import features
from transforms.hashing import id_hashes

SAMPLED_IDS = 1 << 16
"""Hashes kept of a set; 512 KiB."""

SAMPLES = ("users", "items", "catalogue_items")
COUNTS = ("events", "users", "items", "catalogue_items")
_DAILY = ("events", "users", "items")
RATES = tuple(f"{what}_per_day" for what in _DAILY)

_RECORDS_A_READ = 4096


@dataclass(frozen=True)
class Facts:
    """A run's data in numbers."""

    counts: dict[str, Any]
    """`events`, `users` and `items` that are trained on, `catalogue_items` that the catalogue itself holds (0 without
    one); and of the log's good rows, `oldest_timestamp`, `newest_timestamp`, and the means of its newest days
    `events_per_day`, `users_per_day` and `items_per_day` (each None without timestamps, or without a whole day)."""

    samples: dict[str, npt.NDArray[np.int64]]
    """Sorted smallest hashes of the ids of `SAMPLES`."""


def gather(interactions_uri: str, cleaning: dict[str, Any], catalogue_uri: str, catalogue: dict[str, Any]) -> Facts:
    """Reads a run's data.

    Args:
        interactions_uri: Folder of the interaction Examples.
        cleaning: InteractionGen's report.
        catalogue_uri: Folder of the catalogue Examples.
        catalogue: CatalogueGen's report.

    Returns:
        Its facts.
    """
    train = cleaning["splits"]["train"]
    # Items that the log alone knows stand after the catalogue's own, and say nothing of it.
    own = catalogue["items"] - catalogue["added_items"]
    days: dict[str, list[int]] = cleaning["recent_days"] or {}
    with fileio.open(os.path.join(interactions_uri, ITEMS_FILE), "rb") as file:
        items = pq.read_table(pa.BufferReader(file.read())).column("item_id").to_pylist()
    return Facts(
        counts={
            "events": cleaning["steps"][-1]["out"],
            "users": train["users"],
            "items": train["items"],
            "catalogue_items": own,
            **{name: cleaning[name] for name in ("oldest_timestamp", "newest_timestamp")},
            **{f"{what}_per_day": float(np.mean(days[what])) if days.get(what) else None for what in _DAILY},
        },
        samples={
            "users": sample([_hashes_of(interactions_uri, features.USER_ID)]),
            "items": sample([id_hashes(items)] if items else []),
            "catalogue_items": sample([_hashes_of(catalogue_uri, features.ITEM_ID, first=own)]),
        },
    )


def sample(hashes: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """The smallest of some hashes, sorted, each once."""
    return np.unique(np.concatenate([np.zeros(0, np.int64), *hashes]))[:SAMPLED_IDS]


def share_outside(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> float:
    """The share of a set's ids that another set lacks.

    Args:
        one: Sample of the set.
        other: Sample of the other set.

    Returns:
        Exact where both are smaller than `SAMPLED_IDS`; 0 for an empty set.
    """
    # Below the largest hash of a full sample nothing is left out of it; beyond, nothing is known.
    full = [of[-1] for of in (one, other) if len(of) == SAMPLED_IDS]
    seen = one[one <= min(full)] if full else one
    return float(np.mean(~np.isin(seen, other))) if len(seen) else 0.0


def growth_checks(today: Facts, last: Facts, settings: DataGate) -> list[Check]:
    """Compares ids and counts.

    Args:
        today: Of this run's data.
        last: Of the last blessed model's.
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
        # Without a catalogue of its own then or today, there is none to compare: the log's items are.
        if getattr(settings, field) is not None and len(one.samples[what]) and len(other.samples[what])
    ]
    for what in (*COUNTS, *RATES):
        now, then = today.counts[what], last.counts[what]
        if now is not None and then:
            kind = "daily" if what in RATES else "count"
            checks += _ratio_checks(what, now, then, kind, settings)
    return checks


def to_bytes(samples: dict[str, npt.NDArray[np.int64]]) -> bytes:
    """The samples as an .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **samples)  # type: ignore[arg-type]
    return buffer.getvalue()


def from_bytes(content: bytes) -> dict[str, npt.NDArray[np.int64]]:
    """The samples of `to_bytes`.

    Raises:
        KeyError, ValueError, OSError, zipfile.BadZipFile: It is not such a file.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as samples:
        return {name: samples[name] for name in SAMPLES}


def _share_check(what: str, share: float, field: str, limit: float, words: str) -> Check:
    detail = f"{share:.1%} {words}; data_gate.{field} allows {limit:.1%}"
    data = "catalogue" if what == "catalogue_items" else "interactions"
    measure = "share_gone" if "gone" in field else "share_new"
    return Check("growth", data, "train", what, measure, share, limit, at_most(share, limit), detail)


def _ratio_checks(what: str, now: float, then: float, kind: str, settings: DataGate) -> list[Check]:
    ratio = now / then
    data = "catalogue" if what == "catalogue_items" else "interactions"
    counted = f"{what.replace('_', ' ')}: {now:,.0f} today, {then:,.0f} in the last run, {ratio:.2f} times as many"
    checks = []
    for bound, passes in (("min", lambda limit: ratio >= limit), ("max", lambda limit: ratio <= limit)):
        field = f"{bound}_{kind}_ratio"
        limit = getattr(settings, field)
        if limit is not None:
            words = "wants at least" if bound == "min" else "allows at most"
            detail = f"{counted}; data_gate.{field} {words} {limit:g}"
            checks.append(Check("count", data, "", what, f"{bound}_ratio", ratio, limit, passes(limit), detail))
    return checks


def _hashes_of(uri: str, feature: str, first: int = -1) -> npt.NDArray[np.int64]:
    """Hashes of a feature of one value in the Examples of the split `train`; of the first ones, or of all for -1."""
    files = sorted(tf.io.gfile.glob(os.path.join(uri, "Split-train", "*")))
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").take(first).batch(_RECORDS_A_READ)
    spec = {feature: tf.io.FixedLenFeature([], tf.string)}
    blocks = [id_hashes(tf.io.parse_example(block, spec)[feature]) for block in records]
    return np.concatenate([np.zeros(0, np.int64), *blocks])
