"""Trains the parts of a blend, and keeps apart what each has learned."""

import dataclasses
import functools
import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from configs.models.blend import Blend
from trainer.fitting import Fitted, Training, kind_of
from trainer.warm_state import Carried, WarmState

_T = TypeVar("_T")


def part_names(settings: Blend) -> tuple[str, ...]:
    """What each part is called in the state of a blend, such as `1_two_tower`."""
    return tuple(f"{number}_{part.kind}" for number, part in enumerate(settings.chosen_parts))


def fit_parts(training: Training, settings: Blend, is_trained: Sequence[bool]) -> dict[str, Fitted]:
    """Trains the parts, one after the other.

    Args:
        training: What the blend is trained with. Its `begin` is told when the last part begins: only a part knows what
            it carries over.
        settings: The blend's settings.
        is_trained: `[parts]`; the others are left out.

    Returns:
        The trained models, by their names.
    """
    beginning = _Beginning(training.begin, sum(is_trained))
    fitted = {}
    for name, part, wanted in zip(part_names(settings), settings.chosen_parts, is_trained, strict=True):
        if wanted:
            of_part = dataclasses.replace(
                training,
                base=base_of(name, training.base),
                begin=functools.partial(beginning.of_part, name),
                folder=posixpath.join(training.folder, name),
            )
            fitted[name] = kind_of(part).fit(of_part, part)
    return fitted


def base_of(name: str, base: WarmState | None) -> WarmState | None:
    """What the last blessed blend has learned as one of its parts; None if it has no such part, or kept nothing of it.

    Args:
        name: The part.
        base: The state of the blend.
    """
    if base is None:
        return None
    tables, arrays = _without_prefix(name, base.tables), _without_prefix(name, base.arrays)
    return dataclasses.replace(base, tables=tables, arrays=arrays) if tables or arrays else None


def joined(of_parts: Mapping[str, Mapping[str, _T]]) -> dict[str, _T]:
    """Values of all parts in one mapping: `name` of a part becomes `part/name`."""
    return {f"{part}/{name}": value for part, values in of_parts.items() for name, value in values.items()}


def _without_prefix(part: str, values: Mapping[str, _T]) -> dict[str, _T]:
    prefix = f"{part}/"
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


class _Beginning:
    """Gathers what the parts carry over."""

    def __init__(self, begin: Callable[[Mapping[str, Carried], int], None], parts: int) -> None:
        self._begin, self._parts = begin, parts
        self._carried: dict[str, Mapping[str, Carried]] = {}
        self._passes = 0

    def of_part(self, name: str, carried: Mapping[str, Carried], passes: int) -> None:
        """Is told what `Training.begin` of a part is told."""
        self._carried[name] = carried
        self._passes += passes
        if len(self._carried) == self._parts:
            self._begin(joined(self._carried), self._passes)
