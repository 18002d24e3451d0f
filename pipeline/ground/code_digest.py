"""Computes the digest of the code that makes an artifact; it is an execution property of every component.

TFX's cache key holds inputs and execution properties. User code that is named by a dotted path is in neither: without
this digest, the cache would return yesterday's model although the code of a tower has changed.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import metadata, util
from pathlib import Path

OWN_PACKAGES = ("common", "documents", "configs", "transforms", "serving_signatures", "trainer", "service", "pipeline")
"""Imports are followed inside these."""

LIBRARIES = (
    "apache-beam",
    "numpy",
    "pyarrow",
    "scipy",
    "tensorflow",
    "tensorflow-data-validation",
    "tensorflow-recommenders",
    "tensorflow-transform",
    "tf-keras",
    "tfx",
    "tfx-bsl",
)
"""Libraries that make artifacts: with another version, the same code may make another artifact."""

_DATA_ENDINGS = (".j2", ".css")
"""Endings of files beside the code that decide what a component writes. YAML files are not among them, because their
content is in the config."""


@cache
def code_digest(*modules: str, own_packages: tuple[str, ...] = OWN_PACKAGES) -> str:
    """Computes SHA-256 over everything of ours that modules import, and over the versions of the libraries.

    Args:
        *modules: Importable names, such as `trainer.run_fn`. Without one, it is the digest of the libraries.
        own_packages: Top-level packages inside which imports are followed.

    Returns:
        64 hexadecimal digits; they do not depend on the folder that the code is in.

    Raises:
        ModuleNotFoundError: A name is no module of these packages.
    """
    digest = hashlib.sha256(_library_versions())
    for name, file in sorted(import_closure(*modules, own_packages=own_packages).items()):
        for part in (file, *_data_files(file)):
            digest.update(f"{name} {part.relative_to(file.parent).as_posix()}\0".encode())
            digest.update(part.read_bytes() + b"\0")
    return digest.hexdigest()


def import_closure(*modules: str, own_packages: tuple[str, ...] = OWN_PACKAGES) -> dict[str, Path]:
    """Finds all modules of ours that the given modules import, directly or not, with the packages that hold them.

    Imports for type checkers alone do not count, as they never run; imports inside functions count.

    Args:
        *modules: Importable names.
        own_packages: Top-level packages inside which imports are followed.

    Returns:
        The file of each module, by name.

    Raises:
        ModuleNotFoundError: A name is no module of these packages.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        file = _file_of(name, own_packages)
        if file is None:
            raise ModuleNotFoundError(f"the packages {', '.join(own_packages)} have no module {name!r}")
        found[name] = file
        waiting += [name.rsplit(".", 1)[0]] if "." in name else []
        waiting += [each for each in _imports(name, file) if _file_of(each, own_packages) is not None]
    return found


@cache
def _library_versions() -> bytes:
    return "".join(f"{library} {metadata.version(library)}\0" for library in LIBRARIES).encode()


@cache
def _file_of(name: str, own_packages: tuple[str, ...]) -> Path | None:
    top, *inner = name.split(".")
    spec = util.find_spec(top) if top in own_packages else None
    if spec is None or spec.origin is None:
        return None
    base = Path(spec.origin).parent.joinpath(*inner)
    candidates = (base / "__init__.py", base.with_suffix(".py")) if inner else (base / "__init__.py",)
    return next((file for file in candidates if file.is_file()), None)


@cache
def _imports(name: str, file: Path) -> tuple[str, ...]:
    """Returns the names that a module imports; `from a import b` gives `a` and `a.b`, which may be a module."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    names = []
    for node in _running_nodes(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = util.resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
            names += [f"{base}", *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(names)


def _running_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yields all nodes except those below `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in node.orelse:
                yield other
                yield from _running_nodes(other)
            continue
        yield node
        yield from _running_nodes(node)


def _data_files(file: Path) -> list[Path]:
    """Lists a package's templates and style sheets, in its folder and in the folders inside it that are no packages."""
    if file.name != "__init__.py":
        return []
    found: list[Path] = []
    folders = [file.parent]
    while folders:
        for entry in sorted(folders.pop().iterdir()):
            if entry.is_dir() and not (entry / "__init__.py").exists():
                folders.append(entry)
            elif entry.suffix in _DATA_ENDINGS:
                found.append(entry)
    return sorted(found)
