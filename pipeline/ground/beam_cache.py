"""Lets Beam compute once what it computes thousands of times in a run.

Beam 2.77 and older inspect all methods of a DoFn (`userstate.get_dofn_specs`) when a step is declared, at each look at
the pipeline's graph, and for each bundle; and they build a parser of command lines at each look at an option
(`PipelineOptions.view_as`). In a run of a small shop these are 80,000 methods and 6,000 parsers: a third of the
processor time. This module can go when Beam remembers them itself.
"""

import types
import weakref
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms import core

_Signature = tuple[list[str], list[Any]]

_inspect = core.get_function_args_defaults
_signatures: "weakref.WeakKeyDictionary[types.FunctionType, _Signature]" = weakref.WeakKeyDictionary()

_make_view = PipelineOptions.view_as
_views: "weakref.WeakKeyDictionary[PipelineOptions, dict[type[PipelineOptions], PipelineOptions]]"
_views = weakref.WeakKeyDictionary()


def install() -> None:
    """Changes Beam in this process; calling it again changes nothing."""
    core.get_function_args_defaults = _signature
    PipelineOptions.view_as = _view_as


def _signature(function: Any) -> _Signature:
    """Returns the names of the arguments and the values of the defaults, as Beam's own function does."""
    # Only methods of a class: they are few and stay, while each copy of a pickled lambda is another function.
    if not isinstance(function, types.MethodType) or not isinstance(function.__func__, types.FunctionType):
        signature: _Signature = _inspect(function)
        return signature
    known = _signatures.get(function.__func__)
    if known is None:
        known = _signatures[function.__func__] = _inspect(function)
    names, defaults = known
    return [*names], [*defaults]


def _view_as(options: PipelineOptions, cls: type[PipelineOptions]) -> PipelineOptions:
    """Returns the view that it returned before: a view has no values of its own, it shows those of the options."""
    views = _views.setdefault(options, {})
    view = views.get(cls)
    if view is None or not _is_current(view, options):
        view = views[cls] = _make_view(options, cls)
    return view


def _is_current(view: PipelineOptions, options: PipelineOptions) -> bool:
    values = options._all_options
    return (
        options._flags is not None  # otherwise Beam parses what sys.argv is now
        and view._flags is options._flags
        and view._all_options is values
        and values.keys() >= vars(view._visible_options).keys()
    )
