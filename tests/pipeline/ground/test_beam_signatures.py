import functools
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.transforms import core, userstate

from pipeline.ground import beam_signatures


class Plain(beam.DoFn):
    def process(self, element: int, factor: int = 2, when: Any = beam.DoFn.TimestampParam) -> Iterator[int]:
        yield element * factor


class Stateful(beam.DoFn):
    COUNT = userstate.ReadModifyWriteStateSpec("count", VarIntCoder())

    def process(self, element: int, count: Any = beam.DoFn.StateParam(COUNT)) -> Iterator[int]:  # noqa: B008
        yield element


class Inherited(Stateful):
    pass


def _function(a: int, b: int = 1, *, c: int = 2) -> None: ...


@functools.wraps(_function)
def _wrapped(*args: Any) -> None: ...


@pytest.fixture
def inspected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The methods that Beam has inspected since `remember` was called."""
    seen: list[Any] = []
    beams_own = beam_signatures._inspect

    def inspect(function: Any) -> Any:
        seen.append(function)
        return beams_own(function)

    monkeypatch.setattr(core, "get_function_args_defaults", core.get_function_args_defaults)  # restored afterwards
    monkeypatch.setattr(beam_signatures, "_inspect", inspect)
    monkeypatch.setattr(beam_signatures, "_known", type(beam_signatures._known)())
    beam_signatures.remember()
    return seen


@pytest.mark.parametrize(
    "function", [Plain().process, Stateful().process, Inherited().process, _function, _wrapped, lambda x, y=3: x, len]
)
def test_signature_is_that_of_beam(inspected: list[Any], function: Callable[..., Any]) -> None:
    expected = beam_signatures._inspect(function)
    for _ in range(2):
        names, defaults = core.get_function_args_defaults(function)
        assert (names, defaults) == expected
        names.append("changed by the caller")


def test_methods_of_a_class_are_inspected_once(inspected: list[Any]) -> None:
    for _ in range(3):
        assert userstate.get_dofn_specs(Plain()) == (set(), set())
    assert len(inspected) == len({method.__func__ for method in inspected}) > 5


def test_stateful_classes_are_told_apart_from_others(inspected: list[Any]) -> None:
    for _ in range(2):
        assert [userstate.is_stateful_dofn(fn) for fn in (Stateful(), Plain(), Inherited())] == [True, False, True]


def test_pipeline_gives_the_same(inspected: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    with beam.Pipeline() as pipeline:
        numbers = pipeline | beam.Create([1, 2]) | beam.ParDo(Plain(), 5) | beam.Map(lambda n, add=1: n + add)
        numbers | beam.combiners.ToList() | beam.Map(lambda all_: print(sorted(all_)))
    assert capsys.readouterr().out == "[6, 11]\n"
