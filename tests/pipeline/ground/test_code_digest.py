"""The digest of our own code: on a package written for the purpose, and on every component of the pipeline."""

import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

from configs.retraining import Retraining
from configs.tuner import Tuner
from pipeline.ground import code_digest as module
from pipeline.ground.code_digest import LIBRARIES, OWN_PACKAGES, code_digest, import_closure
from pipeline.pipeline import create_pipeline
from pipeline.runners.places import vertex_places
from tests import forked
from tests.pipeline.vertex_settings import config_with

ROOT = Path(__file__).parents[3]
OWN = ("digested",)

EXECUTORS = sorted(file.parent.name for file in ROOT.glob("pipeline/components/*/executor.py"))
FUNCTIONS = ("trainer.run_fn", "transforms.interactions", "transforms.catalogue")
"""Modules of the functions that components call by their dotted path."""

DigestOf = Callable[..., str]
ChangedNodes = Callable[[str], set[str]]


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
        "from typing import TYPE_CHECKING\nif not TYPE_CHECKING:\n    import digested.towers",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os\nelse:\n    import digested.towers",
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
        "import typing\nif typing.TYPE_CHECKING:\n    from digested.towers import DIM",
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


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Versions that libraries seem to have."""
    pretended: dict[str, str] = {}
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: pretended.get(name) or version(name))
    yield pretended
    for cached in (code_digest, module._library_versions):
        cached.cache_clear()


@pytest.mark.parametrize("library", LIBRARIES)
def test_code_digest_other_version_of_a_library_differs(versions: dict[str, str], library: str) -> None:
    before = code_digest("common.errors"), code_digest()
    versions[library] = "0.0"
    for cached in (code_digest, module._library_versions):
        cached.cache_clear()
    assert code_digest("common.errors") != before[0]
    assert code_digest() != before[1]


def test_code_digest_unknown_module_raises() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"have no module 'trainer\.no_such_tower'"):
        code_digest("trainer.no_such_tower")


def _digests() -> dict[str, str]:
    """The digest of each node of the Vertex pipeline, with all that a config can add to it."""
    config = config_with(registry={"serving_image": "example.org/serving:1"})
    config = config.model_copy(update={"tuner": Tuner(every_days=7), "retraining": Retraining()})
    digests = {}
    nodes = [*create_pipeline(config, vertex_places(config)).components]
    compared = create_pipeline(config.compared(), vertex_places(config)).components
    for node in [*nodes, *(node for node in compared if node.id == "ModelComparison")]:
        # RetrainingCheck has two: its own, and that of the training that it decides about.
        found = set(re.findall(r"code_digest\W+([0-9a-f]{64})", repr(node.exec_properties)))
        assert len(found) == (2 if node.id == "RetrainingCheck" else 1)
        digests[node.id] = " ".join(sorted(found))
    return digests


@pytest.fixture
def changed_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChangedNodes]:
    """Changes a file in a copy of our code, and names the nodes of the Vertex pipeline whose digest is then another."""
    for package in OWN_PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    file_of = module._file_of

    @cache
    def file_of_the_copy(name: str, own_packages: tuple[str, ...]) -> Path | None:
        file = file_of(name, own_packages)
        return file and tmp_path / file.relative_to(ROOT)

    def digests() -> dict[str, str]:
        code_digest.cache_clear()
        return _digests()

    def change(file: str) -> set[str]:
        content = (tmp_path / file).read_text()
        (tmp_path / file).write_text(content + "# changed\n")
        after = digests()
        (tmp_path / file).write_text(content)
        return {node for node, digest in before.items() if digest != after[node]}

    with monkeypatch.context() as patch:
        patch.setattr(module, "_file_of", file_of_the_copy)
        before = digests()
        yield change
    code_digest.cache_clear()


def test_digest_of_every_node_follows_the_code_that_it_runs(changed_nodes: ChangedNodes) -> None:
    executors = {
        "catalogue_gen": "CatalogueGen",
        "data_gate": "DataGate",
        "hyperparameters_resolver": "HyperParametersResolver",
        "interaction_gen": "InteractionGen",
        "live_model_resolver": "LiveModelResolver",
        "model_comparison": "ModelComparison",
        "pusher": "Pusher",
        "registry_pusher": "RegistryPusher",
        "retraining_check": "RetrainingCheck",
        "retrieval_evaluator": "RetrievalEvaluator",
        "run_report": "RunReport",
        "serving_check": "ServingCheck",
        "trainer": "Trainer",
        "tuner": "Tuner",
    }
    assert sorted(executors) == EXECUTORS
    expected: dict[str, set[str]] = {
        **{f"pipeline/components/{folder}/executor.py": {node} for folder, node in executors.items()},
        "pipeline/components/trainer/executor.py": {"RetrainingCheck", "Trainer"},
        "pipeline/components/catalogue_gen/content.py": {"CatalogueGen"},
        "pipeline/drift/distributions.py": {"DataGate", "RetrainingCheck"},
        "pipeline/components/interaction_gen/splitting.py": {"InteractionGen"},
        "pipeline/evaluation/measures.py": {"ModelComparison", "RetrainingCheck", "RetrievalEvaluator"},
        "trainer/models/item_item/cosine.py": {"ModelComparison", "RetrievalEvaluator"},  # the baseline
        "pipeline/reading/example_gen.py": set(),
        "pipeline/reading/delimited.py": {"CatalogueGen", "InteractionGen"},
        "pipeline/report/templates/style.css": {"RunReport"},
        "trainer/run_fn.py": {"RetrainingCheck", "Trainer"},
        "trainer/tuning/search.py": {"Tuner"},
        "trainer/models/two_tower/towers.py": {"RetrainingCheck", "Trainer", "Tuner"},
        "trainer/models/ials/solve.py": set(),  # the model is of another kind
        "transforms/catalogue.py": {"CatalogueTransform", "ModelComparison", "RetrainingCheck", "Trainer", "Tuner"},
        "common/errors.py": set(executors.values()),
        "common/__init__.py": {*executors.values(), "InteractionTransform", "CatalogueTransform"},
        "pipeline/pipeline.py": set(),
        "pipeline/runners/local.py": set(),
        "pipeline/commands/cli.py": set(),
        "pipeline/cloud/dataflow.py": set(),
    }
    assert {file: changed_nodes(file) for file in expected} == expected


def test_digest_of_every_node_other_version_of_a_library_differs(versions: dict[str, str]) -> None:
    before = _digests()
    versions["tensorflow-data-validation"] = "0.0"
    for cached in (code_digest, module._library_versions):
        cached.cache_clear()
    after = _digests()
    assert len(after) == 22
    assert not any(digest == after[node] for node, digest in before.items())


@pytest.mark.e2e
def test_import_closure_of_each_entry_has_all_that_it_really_imports() -> None:
    script = """
import importlib, os, sys, traceback
from pipeline.ground.code_digest import OWN_PACKAGES, import_closure

def own():
    return {name for name in sys.modules if name.split(".")[0] in OWN_PACKAGES}

for name in own():
    del sys.modules[name]
for entry in sys.argv[1:]:
    if os.fork() == 0:
        status = 1
        try:
            assert not own()
            importlib.import_module(entry)
            missing = own() - set(import_closure(entry))
            print(entry, len(own()) > 1, sorted(missing), flush=True)
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.wait()[1] == 0, entry
"""
    entries = [*(f"pipeline.components.{each}.executor" for each in EXECUTORS), *FUNCTIONS]
    command = [forked.python(), "-c", script, *entries]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{entry} True []" for entry in entries]


def test_import_closure_of_the_trainer_reaches_the_towers_and_not_the_cost_of_vertex() -> None:
    closure = import_closure("trainer.run_fn", "trainer.models.two_tower.fit")
    assert {"trainer.models.two_tower.towers", "transforms.features", "configs.models", "trainer"} <= set(closure)
    assert not any(name.startswith(("configs.vertex", "pipeline.runners", "pipeline.commands")) for name in closure)
