"""Whether names can be imported, as a fresh interpreter sees it, without importing them.

This file is run as a program, by its text: standard input holds a JSON list of dotted paths, standard output a JSON
object of those that cannot be imported, each with why. It needs nothing but Python.
"""

import ast
import importlib.util
import json
import sys
from importlib.machinery import ModuleSpec, PathFinder

_DECORATED = "_Executor"
"""Ending of the class that `@tfx.dsl.components.component` puts beside a function, in the function's module."""


def why_not(path: str) -> str | None:
    """Why `<module>.<name>` cannot be imported; None if it can be.

    Args:
        path: The dotted path. As TFX imports it: all but the last part is a module, which a nested class is not in.
    """
    module, _, name = path.rpartition(".")
    if module == "__main__" or not all(part.isidentifier() for part in path.split(".")) or not module:
        return f"{path} is no path of a module and a name in it"
    spec = _found(module)
    if isinstance(spec, str):
        return spec
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None  # compiled, or built in: what is in it is not written there
    with open(spec.origin, "rb") as source:
        try:
            tree = ast.parse(source.read())
        except (SyntaxError, ValueError) as e:
            return f"module {module} cannot be read: {e}"
    names = _bound(tree.body)
    if name in names or names & {"*", "__getattr__"} or name.removesuffix(_DECORATED) in names:
        return None
    return f"module {module} has no {name} at its top level"


def _found(module: str) -> "ModuleSpec | str | None":
    """Where a module lies, looked up package by package: importing the packages above it would take seconds.

    Returns:
        None if that cannot be told: a module above it puts modules where no file is, as `os` does with `os.path`.
    """
    found, *inner = module.split(".")
    spec = importlib.util.find_spec(found)
    for part in inner:
        if spec is None:
            break
        above, found = spec, f"{found}.{part}"
        folders = list(above.submodule_search_locations or ())
        # By the last part alone: of a whole name it would want the packages above to be imported.
        spec = PathFinder.find_spec(part, folders) if folders else None
        if spec is None and _puts_modules(above):
            return None
    return spec or f"there is no module {found}"


def _puts_modules(spec: ModuleSpec) -> bool:
    if spec.origin is None or not spec.origin.endswith(".py"):
        return spec.origin in ("built-in", "frozen")
    with open(spec.origin, "rb") as source:
        return b"sys.modules" in source.read()


def _bound(body: list[ast.stmt]) -> set[str]:
    """The names that a module's statements bind at its top level; `*` if it takes over another's."""
    names: set[str] = set()
    for statement in body:
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
        else:
            stored = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
            names |= {node.id for node in stored if isinstance(node.ctx, ast.Store)}
            for block in ("body", "orelse", "finalbody"):
                names |= _bound(getattr(statement, block, []))
            for handler in getattr(statement, "handlers", []):
                names |= _bound(handler.body)
    return names


if __name__ == "__main__":
    reasons = {path: why_not(path) for path in json.load(sys.stdin)}
    json.dump({path: reason for path, reason in reasons.items() if reason}, sys.stdout)
