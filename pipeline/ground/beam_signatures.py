"""Lets Beam inspect the signature of each method once, instead of thousands of times in a run.

Beam 2.74 inspects the methods of a DoFn (`userstate.get_dofn_specs`) when a step is declared, at each look at the
pipeline's graph, and again for each bundle. In a run of a small shop these are 9,000 DoFns with some 20 methods each,
and a fifth of the processor time. This module can go when Beam remembers them itself.
"""

import types
import weakref
from typing import Any

from apache_beam.transforms import core

_Signature = tuple[list[str], list[Any]]

_inspect = core.get_function_args_defaults
_known: "weakref.WeakKeyDictionary[types.FunctionType, _Signature]" = weakref.WeakKeyDictionary()


def remember() -> None:
    """Changes Beam in this process; calling it again changes nothing."""
    core.get_function_args_defaults = _remembered


def _remembered(function: Any) -> _Signature:
    """Returns the names of the arguments and the values of the defaults, as Beam's own function does."""
    # Only methods of a class: they are few and stay, while each copy of a pickled lambda is another function.
    if not isinstance(function, types.MethodType) or not isinstance(function.__func__, types.FunctionType):
        signature: _Signature = _inspect(function)
        return signature
    signature = _known.get(function.__func__) or _known.setdefault(function.__func__, _inspect(function))
    names, defaults = signature
    return [*names], [*defaults]
