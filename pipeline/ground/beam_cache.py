"""Lets Beam compute once what it computes thousands of times in a run.

Beam 2.77 and older

- inspect all methods of a DoFn (`userstate.get_dofn_specs`) when a step is declared, at each look at the pipeline's
  graph, and for each bundle;
- build a parser of command lines at each look at an option (`PipelineOptions.view_as`);
- list the variables of all modules for the size of each side input that is cached (`statecache.get_deep_size`).

In a run of a small shop these are 80,000 methods, 6,000 parsers and 1,500,000 modules: more than a third of the
processor time. This module can go when Beam remembers them itself.
"""

import types
import weakref
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.worker import statecache
from apache_beam.transforms import core, userstate

_Signature = tuple[list[str], list[Any]]
_Specs = tuple[set[Any], set[Any]]

_measure = statecache.get_deep_size

_find_specs = userstate.get_dofn_specs
_specs: "weakref.WeakKeyDictionary[type, dict[frozenset[str], _Specs]]" = weakref.WeakKeyDictionary()

_inspect = core.get_function_args_defaults
_signatures: "weakref.WeakKeyDictionary[types.FunctionType, _Signature]" = weakref.WeakKeyDictionary()

_make_view = PipelineOptions.view_as
_views: "weakref.WeakKeyDictionary[PipelineOptions, dict[type[PipelineOptions], PipelineOptions]]"
_views = weakref.WeakKeyDictionary()


def install() -> None:
    """Changes Beam in this process; calling it again changes nothing."""
    userstate.get_dofn_specs = _specs_of
    core.get_function_args_defaults = _signature
    statecache.get_deep_size = _deep_size
    PipelineOptions.view_as = _view_as


def _specs_of(dofn: Any) -> _Specs:
    """Returns the specs of states and timers in the arguments of a DoFn's methods, as Beam's own function does."""
    own = vars(dofn)
    if any(isinstance(value, types.MethodType) for value in own.values()):  # which may have specs, too
        return _find_specs(dofn)
    by_name = _specs.setdefault(type(dofn), {})
    hidden = frozenset(name for name in own if hasattr(type(dofn), name))
    if hidden not in by_name:
        by_name[hidden] = _find_specs(dofn)
    states, timers = by_name[hidden]
    return {*states}, {*timers}


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


def _deep_size(*objects: Any) -> int:
    """Returns the size of what is cached, in bytes, as Beam's own function does.

    The variables of modules are part of no size, for functions and modules are not followed. Beam lists them all the
    same, at each value.
    """
    size: int = statecache.objsize.get_deep_size(
        *objects,
        get_size_func=statecache._size_func,
        get_referents_func=statecache._get_referents_func,
        filter_func=statecache._filter_func,
        exclude_modules_globals=False,
    )
    return size
