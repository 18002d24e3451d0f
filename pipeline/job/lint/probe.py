"""Checks in a fresh interpreter whether names can be imported, without importing them.

The text of this file is run as a program. It reads a JSON list of dotted paths from standard input, and writes a JSON
object to standard output: each path that cannot be imported, with the reason. It needs only Python.
"""

import ast
import importlib.util
import json
import sys
from importlib.machinery import ModuleSpec, PathFinder

_DECORATED = "_Executor"
"""Ending of the class that `@tfx.dsl.components.component` puts beside a function, in the function's module."""


def why_not(path: str) -> str | None:
    """Says why `<module>.<name>` cannot be imported; None if it can be.

    Args:
        path: The dotted path. TFX takes everything before the last dot as the module, so a nested class is not found.
    """
    module, _, name = path.rpartition(".")
    if module == "__main__" or not all(part.isidentifier() for part in path.split(".")) or not module:
        return f"{path} is not the path of a module and a name in it"
    spec = _found(module)
    if isinstance(spec, str):
        return spec
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None  # compiled, or built in: there is no source to look into
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
    """Finds a module package by package, without importing its parent packages, which would take seconds.

    Returns:
        The module's spec, or the reason why there is none. None if this cannot be found out: a parent module adds
        modules that have no file, as `os` does with `os.path`.
    """
    found, *inner = module.split(".")
    spec = importlib.util.find_spec(found)
    for part in inner:
        if spec is None:
            break
        above, found = spec, f"{found}.{part}"
        folders = list(above.submodule_search_locations or ())
        # Only the last part: with the whole name, Python would import the parent packages.
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
    """The names that a module's statements bind at its top level; `*` if it imports all names of another module."""
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
