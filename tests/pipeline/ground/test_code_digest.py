"""The digest of our own code: on a package written for the purpose, and on every component of the pipeline."""

import importlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from pipeline.ground import code_digest as module
from pipeline.ground.code_digest import OWN_PACKAGES, code_digest, import_closure

ROOT = Path(__file__).parents[3]
OWN = ("digested",)

EXECUTORS = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts) for file in ROOT.glob("pipeline/components/*/executor.py")
)
ENTRIES = [*EXECUTORS, "trainer.run_fn", "transforms.interactions", "transforms.catalogue"]
"""All code of ours that makes an artifact."""

DigestOf = Callable[..., str]


@pytest.fixture
def digest_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DigestOf:
    """Writes a package `digested` with these files into a folder, and takes the digest of `digested.main`."""

    def write(folder: str, **files: str) -> str:
        for name, text in {"__init__": "", **files}.items():
            path = tmp_path / folder / "digested" / (name if "." in name else f"{name}.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        with monkeypatch.context() as patch:
            patch.syspath_prepend(tmp_path / folder)
            sys.modules.pop("digested", None)
            importlib.invalidate_caches()
            for cached in (code_digest, module._file_of, module._imports):
                cached.cache_clear()
            return code_digest("digested.main", own_packages=OWN)

    return write


def test_code_digest_same_code_elsewhere_equal(digest_of: DigestOf) -> None:
    files = {"main": "import digested.towers", "towers": "DIM = 64"}
    assert digest_of("here", **files) == digest_of("there", **files)


@pytest.mark.parametrize(
    "line",
    [
        "import digested.towers",
        "import digested.towers as t",
        "from digested import towers",
        "from digested.towers import DIM",
        "from . import towers",
        "from .towers import DIM",
        "def f():\n    from digested.towers import DIM",
        "try:\n    import digested.towers\nexcept ImportError:\n    pass",
        "from digested import middle",
    ],
)
def test_code_digest_imported_module_changes_differs(digest_of: DigestOf, line: str) -> None:
    files = {"main": line, "middle": "from digested.towers import DIM"}
    assert digest_of("here", **files, towers="DIM = 64") != digest_of("there", **files, towers="DIM = 65")


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from digested.towers import DIM",
        "# import digested.towers",
        "'import digested.towers'",
    ],
)
def test_code_digest_module_that_is_not_imported_changes_equal(digest_of: DigestOf, line: str) -> None:
    assert digest_of("here", main=line, towers="DIM = 64") == digest_of("there", main=line, towers="DIM = 65")


def test_code_digest_package_of_an_imported_module_changes_differs(digest_of: DigestOf) -> None:
    files = {"main": "import digested.towers.query", "towers/query": ""}
    before = digest_of("here", **files, **{"towers/__init__": ""})
    assert digest_of("there", **files, **{"towers/__init__": "import os"}) != before


@pytest.mark.parametrize(("file", "counts"), [("page.html.j2", True), ("style.css", True), ("shop.yaml", False)])
def test_code_digest_counts_templates_and_no_settings(digest_of: DigestOf, file: str, counts: bool) -> None:
    before = digest_of("here", main="", **{f"templates/{file}": "a"})
    assert (digest_of("there", main="", **{f"templates/{file}": "b"}) != before) == counts


def test_code_digest_moved_code_differs(digest_of: DigestOf) -> None:
    before = digest_of("here", main="import digested.a, digested.b", a="DIM = 64", b="")
    assert digest_of("there", main="import digested.a, digested.b", a="", b="DIM = 64") != before


@pytest.mark.parametrize("library", ["apache-beam", "tensorflow", "tensorflow-transform", "tfx"])
def test_code_digest_other_version_of_a_library_differs(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    code_digest.cache_clear()
    before = code_digest("common.errors")
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.0" if name == library else version(name))
    code_digest.cache_clear()
    assert code_digest("common.errors") != before


def test_code_digest_unknown_module_raises() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"have no module 'trainer\.no_such_tower'"):
        code_digest("trainer.no_such_tower")


def test_own_packages_are_those_that_are_installed() -> None:
    setup = (ROOT / "setup.py").read_text()
    assert all(f'"{package}"' in setup for package in OWN_PACKAGES)
    assert setup.split("PACKAGES = [")[1].split("]")[0].count(",") == len(OWN_PACKAGES) - 1


def test_entries_are_all_components_that_run_code_of_ours() -> None:
    assert len(EXECUTORS) == 10


@pytest.mark.e2e
def test_digest_of_every_component_changes_with_each_module_that_it_imports_and_with_no_other(tmp_path: Path) -> None:
    for package in OWN_PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    script = """
import sys
from pathlib import Path
from pipeline.ground import code_digest as module

def digest(entry):
    for cached in (module.code_digest, module._file_of, module._imports):
        cached.cache_clear()
    return module.code_digest(entry)

for entry in sys.argv[1:]:
    inside = set(module.import_closure(entry).values())
    everything = {f for p in module.OWN_PACKAGES for f in Path.cwd().joinpath(p).rglob("*.py")}
    assert entry.replace(".", "/") + ".py" in {str(f.relative_to(Path.cwd())) for f in inside}, entry
    before = digest(entry)
    for changed, differs in [*(([f], True) for f in sorted(inside)), (sorted(everything - inside), False)]:
        texts = {f: f.read_bytes() for f in changed}
        for f, text in texts.items():
            f.write_bytes(text + b"# changed\\n")
        assert (digest(entry) != before) == differs, (entry, changed)
        for f, text in texts.items():
            f.write_bytes(text)
    assert everything - inside, entry
print("done")
"""
    command = [sys.executable, "-c", script, *ENTRIES]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "done\n", done.stderr


@pytest.mark.e2e
def test_import_closure_has_all_that_is_really_imported() -> None:
    script = """
import importlib, sys
from pipeline.ground.code_digest import OWN_PACKAGES, import_closure
found = set()
for entry in sys.argv[1:]:
    importlib.import_module(entry)
    found |= set(import_closure(entry))
own = {name for name in sys.modules if name.split(".")[0] in OWN_PACKAGES}
print(sorted(own - found - {"pipeline.ground.code_digest"}))
"""
    command = [sys.executable, "-W", "ignore", "-c", script, *ENTRIES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_import_closure_of_the_trainer_reaches_the_towers_and_not_the_cost_of_vertex() -> None:
    closure = import_closure("trainer.run_fn")
    assert {"trainer.towers", "transforms.features", "configs.model", "trainer"} <= set(closure)
    assert not any(name.startswith(("configs.vertex", "pipeline.runners", "pipeline.commands")) for name in closure)
