"""What is done to a shard of users, step by step; `stages` does it on Beam, `in_process` in this process."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from configs.leave_out import LeaveOut
from configs.log import LogSettings
from documents.cleaning import EVAL, TRAIN
from pipeline.components.interaction_gen import cleaning, outliers, recent, splitting
from pipeline.components.interaction_gen.interactions import Interactions
from pipeline.components.interaction_gen.report import LogReport
from pipeline.components.interaction_gen.shard_report import ShardReport
from pipeline.ground import arrow_bytes
from pipeline.reading import spellings, times

_Steps = list[tuple[str, Callable[[Interactions], Interactions]]]

ROWS = "rows"
"""The name of what was read, before the first step."""

Observe = Callable[[str, Interactions], None]
"""Is told what a step has kept."""


def _ignore(step: str, found: Interactions) -> None:
    """Observes nothing."""


def clean(
    found: Interactions, facts: LogReport, log: LogSettings, leave_out: LeaveOut, observe: Observe = _ignore
) -> tuple[Interactions, ShardReport]:
    """Runs the steps that do not need the counts of all items.

    Args:
        found: The shard as it was read.
        facts: What was read of the whole log.
        log: The log's config.
        leave_out: What may not be recommended again.
        observe: Is called with `ROWS` before the first step, and after each step.
    """
    per_second = times.per_second(log.timestamp_unit)
    if len(facts.spans) > 1 and found.timestamp is not None:
        oldest, newest = facts.span()
        found = found.where((found.timestamp >= oldest) & (found.timestamp <= newest))
    observe(ROWS, found)
    user_rows = np.bincount(found.user, minlength=len(found.users))
    report = ShardReport(
        steps={},
        splits={},
        items={},
        recent=None if found.timestamp is None else recent.count(found, *facts.span(), per_second),
        users=spellings.find(found.users, user_rows),
        busiest=_busiest(found.users, user_rows),
        log_items=arrow_bytes.to_bytes(cleaning.count_items(found)),
    )
    steps: _Steps = [
        ("window", lambda shard: cleaning.window(shard, log.cleaning, facts.newest, per_second)),
        ("deduplicate", lambda shard: cleaning.deduplicate(shard, log.cleaning, leave_out)),
        ("positives", lambda shard: cleaning.positives(shard, log.cleaning, leave_out)),
    ]
    found, report.steps = _run(steps, found, observe)
    report.beyond_float32 = cleaning.count_beyond_float32(found)
    return found, report


def count_items(found: Interactions, log: LogSettings, leave_out: LeaveOut) -> Any:
    """Counts the users of each item, of which the top items are chosen.

    Args:
        found: What `clean` returns.
        log: The log's config.
        leave_out: What may not be recommended again.

    Returns:
        pyarrow.Table of `item_id` and `count`.
    """
    return cleaning.count_items(cleaning.joined(found, log.cleaning, leave_out))


def keep(
    found: Interactions, top: Any | None, log: LogSettings, leave_out: LeaveOut, observe: Observe = _ignore
) -> tuple[Interactions, ShardReport]:
    """Keeps the interactions of the top items and of active users.

    Args:
        found: What `clean` returns.
        top: pyarrow string array of the top items of the whole log; None keeps all.
        log: The log's config.
        leave_out: What may not be recommended again.
        observe: Is called after each step.
    """
    steps: _Steps = [
        ("top_items", lambda shard: cleaning.top_items(shard, top)),
        ("active_users", lambda shard: cleaning.active_users(shard, log.cleaning, leave_out)),
    ]
    found, counts = _run(steps, found, observe)
    return found, ShardReport(counts, {}, {})


def split(
    found: Interactions, cut: int | None, log: LogSettings, leave_out: LeaveOut
) -> tuple[Interactions, ShardReport]:
    """Marks the held-out interactions.

    Args:
        found: What `keep` returns.
        cut: For the `time` split, the first timestamp that is held out.
        log: The log's config.
        leave_out: What may not be recommended again.
    """
    found = splitting.hold_out(found, log.split, cut, leave_out)
    found = cleaning.joined(found, log.cleaning, leave_out)
    report = ShardReport({}, {}, {})
    for name in (TRAIN, EVAL):
        part = found.where(found.held_out == (name == EVAL))
        report.splits[name] = {"users": part.user_count(), "interactions": len(part)}
        report.items[name] = arrow_bytes.to_bytes(cleaning.count_items(part))
    if log.split.method == "given" and found.timestamp is not None:
        report.early = splitting.count_early(found)
    return found, report


def _busiest(users: Any, rows: npt.NDArray[np.int64]) -> tuple[outliers.Rows, ...]:
    largest = np.argsort(-rows, kind="stable")[: outliers.KEPT]
    return tuple(zip(users.take(pa.array(largest)).to_pylist(), rows[largest].tolist(), strict=True))


def _run(steps: _Steps, found: Interactions, observe: Observe) -> tuple[Interactions, dict[str, tuple[int, int]]]:
    counts = {}
    for name, step in steps:
        before = len(found)
        found = step(found)
        counts[name] = (before, len(found))
        observe(name, found)
    return found, counts
