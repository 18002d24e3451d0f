import functools
import json
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions, StandardOptions
from apache_beam.runners.worker import statecache
from apache_beam.transforms import core, userstate

from pipeline.ground import beam_cache


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
    """The methods that Beam has inspected since `install` was called."""
    seen: list[Any] = []
    beams_own = beam_cache._inspect

    def inspect(function: Any) -> Any:
        seen.append(function)
        return beams_own(function)

    monkeypatch.setattr(core, "get_function_args_defaults", core.get_function_args_defaults)  # restored afterwards
    monkeypatch.setattr(userstate, "get_dofn_specs", userstate.get_dofn_specs)
    monkeypatch.setattr(statecache, "get_deep_size", statecache.get_deep_size)
    monkeypatch.setattr(PipelineOptions, "view_as", PipelineOptions.view_as)
    monkeypatch.setattr(beam_cache, "_inspect", inspect)
    monkeypatch.setattr(beam_cache, "_signatures", type(beam_cache._signatures)())
    monkeypatch.setattr(beam_cache, "_specs", type(beam_cache._specs)())
    beam_cache.install()
    return seen


@pytest.mark.parametrize(
    "function", [Plain().process, Stateful().process, Inherited().process, _function, _wrapped, lambda x, y=3: x, len]
)
def test_signature_is_that_of_beam(inspected: list[Any], function: Callable[..., Any]) -> None:
    expected = beam_cache._inspect(function)
    for _ in range(2):
        names, defaults = core.get_function_args_defaults(function)
        assert (names, defaults) == expected
        names.append("changed by the caller")


def test_methods_of_a_class_are_inspected_once(inspected: list[Any]) -> None:
    for _ in range(3):
        assert userstate.get_dofn_specs(Plain()) == (set(), set())
    assert len(inspected) == len({method.__func__ for method in inspected}) > 5


def _with_hidden_process(process: Any) -> Stateful:
    dofn = Stateful()
    dofn.process = process  # type: ignore[method-assign]
    return dofn


@pytest.mark.parametrize(
    "make",
    [
        Plain,
        Stateful,
        Inherited,
        lambda: _with_hidden_process(lambda element: element),
        lambda: _with_hidden_process(Plain().process),
        lambda: _with_hidden_process(Stateful().process),
        lambda: core.CallableWrapperDoFn(lambda element: [element]),
        lambda: core.CallableWrapperDoFn(Plain().process),
        lambda: core.CallableWrapperDoFn(Stateful().process),
    ],
)
def test_specs_are_those_of_beam(inspected: list[Any], make: Callable[[], beam.DoFn]) -> None:
    expected = beam_cache._find_specs(make())
    for _ in range(3):
        states, timers = userstate.get_dofn_specs(make())
        assert (states, timers) == expected
        states.add("added by the caller")  # type: ignore[arg-type]


def test_dofn_with_an_argument_twice_is_an_error_each_time(inspected: list[Any]) -> None:
    count = beam.DoFn.StateParam(Stateful.COUNT)

    class Twice(beam.DoFn):
        def process(self, element: int, one: Any = count, other: Any = count) -> None: ...

    for _ in range(2):
        with pytest.raises(ValueError, match="duplicate process method parameters"):
            userstate.get_dofn_specs(Twice())


@pytest.mark.parametrize(
    "value", [0, "text", [1, [2, "three"]], {"key": b"value"}, Plain(), np.zeros(1000), json, print, lambda: json, None]
)
def test_size_of_what_is_cached_is_that_of_beam(inspected: list[Any], value: Any) -> None:
    size = statecache.get_deep_size(value, "and another")
    assert size == beam_cache._measure(value, "and another")


def test_stateful_classes_differ_from_others(inspected: list[Any]) -> None:
    for _ in range(2):
        assert [userstate.is_stateful_dofn(fn) for fn in (Stateful(), Plain(), Inherited())] == [True, False, True]


def test_pipeline_gives_the_same(inspected: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    with beam.Pipeline() as pipeline:
        numbers = pipeline | beam.Create([1, 2]) | beam.ParDo(Plain(), 5) | beam.Map(lambda n, add=1: n + add)
        numbers | beam.combiners.ToList() | beam.Map(lambda all_: print(sorted(all_)))
    assert capsys.readouterr().out == "[6, 11]\n"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The classes of options for which Beam has built a parser since `install` was called."""
    seen: list[Any] = []
    beams_own = beam_cache._make_view

    def make_view(options: Any, cls: Any) -> Any:
        seen.append(cls)
        return beams_own(options, cls)

    monkeypatch.setattr(PipelineOptions, "view_as", PipelineOptions.view_as)  # restored afterwards
    monkeypatch.setattr(beam_cache, "_make_view", make_view)
    beam_cache.install()
    return seen


def test_options_are_parsed_once_and_changes_are_seen_in_all_views(parsed: list[Any]) -> None:
    options = PipelineOptions(["--runner=DirectRunner", "--setup_file=a"])
    for _ in range(3):
        assert options.view_as(StandardOptions).runner == "DirectRunner"
    assert parsed == [StandardOptions]
    options.view_as(StandardOptions).runner = "DataflowRunner"
    assert options.view_as(StandardOptions).runner == "DataflowRunner"
    assert options.view_as(SetupOptions).view_as(StandardOptions).runner == "DataflowRunner"
    assert options.view_as(SetupOptions).setup_file == "a"
    assert options.get_all_options(drop_default=True) == {"runner": "DataflowRunner", "setup_file": "a"}


def test_options_of_two_pipelines_do_not_mix(parsed: list[Any]) -> None:
    one, two = (PipelineOptions([f"--runner={name}"]) for name in ("one", "two"))
    assert [each.view_as(StandardOptions).runner for each in (one, two, one)] == ["one", "two", "one"]
    copy = pickle.loads(pickle.dumps(one))
    copy.view_as(StandardOptions).runner = "copy"
    assert [each.view_as(StandardOptions).runner for each in (one, copy)] == ["one", "copy"]


def test_options_without_flags_follow_the_command_line(parsed: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    options = PipelineOptions()
    for name in ("one", "two"):
        monkeypatch.setattr(sys, "argv", ["program", f"--setup_file={name}"])
        assert options.view_as(SetupOptions)._visible_options.setup_file == name


def test_options_that_were_taken_out_come_back(parsed: list[Any]) -> None:
    options = PipelineOptions(["--runner=one"])
    assert options.view_as(StandardOptions).runner == "one"
    del options._all_options["runner"]
    assert options.view_as(StandardOptions).runner == "one"
