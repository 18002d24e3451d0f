"""Compares two runs, to answer "why did recall change?"."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from pipeline.store.runs import contents
from pipeline.store.runs.metrics import Measured, measured, sentences
from pipeline.store.runs.records import Run

_DIGEST = "_digest"
_TIMESTAMP = "timestamp"
_NAMED_CHANGES = 3
"""How many changes of a section the summary names; the section itself lists all."""


@dataclass(frozen=True)
class Change:
    """One difference between two runs."""

    what: str
    before: Any
    """None: it did not exist."""

    after: Any
    """None: it does not exist any more."""


@dataclass(frozen=True)
class Vocabulary:
    """How a vocabulary changed, in entries."""

    name: str
    before: int
    after: int
    carried: int
    new: int
    gone: int


@dataclass(frozen=True)
class RunDiff:
    """The differences between two runs, by subject."""

    before: int
    after: int
    config: tuple[Change, ...]
    code: tuple[Change, ...]
    data: tuple[Change, ...]
    schema: tuple[Change, ...]
    vocabularies: tuple[Vocabulary, ...]
    """Only those that changed."""

    start: tuple[Change, ...]
    """How the training started: warm or cold, from which model, how many rows were carried over."""

    metrics: tuple[Measured, ...]
    summary: tuple[str, ...]
    """Sentences for people."""

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self)


def diff(before: Run, after: Run) -> RunDiff:
    """Compares two runs by their executions' properties and by the contents of their artifacts.

    The comparison leaves out what only one of the two runs has, and the summary says so. Examples: a node that one run
    never started because it stopped early; an artifact of an old run that was deleted.

    Args:
        before: The run to compare with.
        after: The run to explain.
    """
    properties = _if_both(contents.settings(before), contents.settings(after))
    config = tuple(c for c in properties if not c.what.endswith(_DIGEST))
    # A digest of the configuration adds nothing to its fields. For the code, the digest is all that is recorded.
    code = tuple(c for c in properties if c.what.endswith(f"code{_DIGEST}"))
    code += _if_both(contents.tfx_version(before), contents.tfx_version(after))
    data = _if_both(contents.counts(before), contents.counts(after))
    data += _if_both(contents.fingerprints(before), contents.fingerprints(after))
    schema = _if_both(contents.features(before), contents.features(after))
    vocabularies = _moved(contents.vocabularies(before), contents.vocabularies(after))
    start = _if_both(contents.start(before), contents.start(after))
    metrics = measured(contents.evaluation(before), contents.evaluation(after))
    named = (("configuration", config), ("code", code), ("data", data), ("schema", schema), ("training's start", start))
    summary = [
        *sentences(metrics),
        *_what_changed(before, after, named, vocabularies),
        *_what_is_missing(before, after),
    ]
    return RunDiff(
        before.number, after.number, config, code, data, schema, vocabularies, start, metrics, tuple(summary)
    )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    names = [*before, *(name for name in after if name not in before)]
    return tuple(
        Change(name, _shown(name, before.get(name)), _shown(name, after.get(name)))
        for name in names
        if before.get(name) != after.get(name)
    )


def _if_both(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Compares the nodes that are in both runs; a node that never ran or a deleted artifact cannot be compared."""
    both = {name.split()[0] for name in before} & {name.split()[0] for name in after}
    old, new = ({name: values[name] for name in values if name.split()[0] in both} for values in (before, after))
    return _changes(old, new)


def _shown(name: str, value: Any) -> Any:
    if name.endswith(_TIMESTAMP) and isinstance(value, int):
        return datetime.fromtimestamp(value, timezone.utc).isoformat(sep=" ")
    return value[:12] if name.endswith(_DIGEST) and isinstance(value, str) else value


def _moved(before: Mapping[str, set[bytes]], after: Mapping[str, set[bytes]]) -> tuple[Vocabulary, ...]:
    return tuple(
        Vocabulary(name, len(old), len(new), len(old & new), len(new - old), len(old - new))
        for name, old, new in ((name, before[name], after[name]) for name in before if name in after)
        if old != new
    )


def _what_changed(
    before: Run, after: Run, sections: tuple[tuple[str, tuple[Change, ...]], ...], vocabularies: tuple[Vocabulary, ...]
) -> list[str]:
    models = [run.output("Model") for run in (before, after)]
    if models[0] is not None and models[0] == models[1]:
        return ["Both runs have the same model: the training used a cached result."]
    lines = [
        f"{name.capitalize()}: {_named(changes)}." if changes else f"{name.capitalize()}: the same."
        for name, changes in sections
    ]
    lines += [
        f"Vocabulary {v.name}: {v.carried:,} entries carried over, {v.new:,} new, {v.gone:,} gone."
        for v in vocabularies
    ]
    return lines


def _named(changes: tuple[Change, ...]) -> str:
    named = "; ".join(f"{c.what} {_text(c.before)} → {_text(c.after)}" for c in changes[:_NAMED_CHANGES])
    return named + (f"; and {len(changes) - _NAMED_CHANGES} more" if len(changes) > _NAMED_CHANGES else "")


def _text(value: Any) -> str:
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _what_is_missing(before: Run, after: Run) -> list[str]:
    missing = []
    for run, other in ((before, after), (after, before)):
        started = {node.node_id for node in run.nodes}
        not_started = dict.fromkeys(node.node_id for node in other.nodes if node.node_id not in started)
        if not_started:
            missing.append(f"Not compared, because run {run.number} did not start them: {', '.join(not_started)}.")
        gone = {a.type for node in run.nodes for refs in node.outputs.values() for a in refs if a.state == "DELETED"}
        if gone:
            missing.append(f"Not compared, because files of run {run.number} were deleted: {', '.join(sorted(gone))}.")
    return missing
