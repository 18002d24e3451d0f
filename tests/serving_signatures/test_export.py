"""The SavedModel on disk."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from common.atomicity import copy_folder
from configs.leave_out import FromWeight
from documents.provenance import FinalMetrics, MadeBy, Provenance, Start
from serving_signatures import export
from serving_signatures.export import SIGNATURES, export_model
from serving_signatures.provenance import digest_of, provenance
from tests.serving_signatures.conftest import Served
from tests.serving_signatures.oracle import make_retriever
from tests.trainer_inputs import TrainerInputs
from tests.vertex_api.object_store import ObjectStore

pytestmark = pytest.mark.e2e

PLAIN_TENSORFLOW = """
import json, sys
assert not [path for path in sys.path if path in ("", ".")]
import tensorflow as tf
for room in ("documents", "configs", "transforms", "serving_signatures", "trainer", "tensorflow_transform", "tfx"):
    assert room not in sys.modules, room
model = tf.saved_model.load(sys.argv[1])
result = model.signatures["recommend"](
    user_id=tf.constant(["u0-1", "who"]),
    history=tf.constant([["i3", ""], ["i12", "i13"]]),
    history_weight=tf.ones([2, 2]),
    exclude=tf.zeros([2, 0], tf.string),
    k=tf.constant([5, 5]),
)
serialized = tf.train.Example()
serialized.features.feature["user_id"].bytes_list.value.append(b"u0-1")
default = model.signatures["serving_default"](examples=tf.constant([serialized.SerializeToString()]))
print(json.dumps({
    "signatures": sorted(model.signatures),
    "recommend": [[item.decode() for item in row] for row in result["item_id"].numpy()],
    "serving_default": [[item.decode() for item in row] for row in default["item_id"].numpy()],
}))
"""


def test_model_moved_and_loaded_with_plain_tensorflow_answers_the_same(served: Served, tmp_path: Path) -> None:
    # Another folder, so that a vocabulary left behind in the transform graph would be missed.
    folder = shutil.copytree(served.folder, tmp_path / "elsewhere")
    # -I leaves out the working directory; the environment's own packages stay, TensorFlow's among them.
    done = subprocess.run(
        [sys.executable, "-I", "-c", PLAIN_TENSORFLOW, str(folder)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])

    oracle = served.oracle
    with_history = oracle.user(b"u0-1", [b"i3"], [1.0]), oracle.user(b"who", [b"i12", b"i13"], [1.0, 1.0])
    expected = [
        oracle.ranking(with_history[0], [b"i3"], 5)[0],
        oracle.ranking(with_history[1], [b"i12", b"i13"], 5)[0],
    ]
    assert result["signatures"] == sorted(signature.name for signature in SIGNATURES)
    assert result["recommend"] == [[item.decode() for item in row] for row in expected]
    alone = oracle.ranking(oracle.user(b"u0-1", [], []), [], 4)[0]
    assert result["serving_default"] == [[item.decode() for item in alone]]


def graph_nodes(folder: str) -> list[tf.compat.v1.NodeDef]:
    saved = saved_model_pb2.SavedModel.FromString((Path(folder) / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    return [*graph.node, *(node for function in graph.library.function for node in function.node_def)]


def test_model_ops_are_tensorflows_own(served: Served) -> None:
    ops = {node.op for node in graph_nodes(served.folder)}
    assert not ops & {"PyFunc", "EagerPyFunc", "PyFuncStateless"}
    # The whole of TensorFlow Serving's registry is TensorFlow's; what comes with text, ranking or TFT does not count.
    stock = {name for name in dir(tf.raw_ops) if not name.startswith("_")}
    functions = {"PartitionedCall", "StatefulPartitionedCall"}
    assert ops - stock - functions == set()


def test_model_large_values_are_variables_not_constants(served: Served) -> None:
    constants = [len(node.attr["value"].tensor.tensor_content) for node in graph_nodes(served.folder)]
    # The catalogue's embeddings alone are 27 * 6 * 4 bytes.
    assert max(constants) < 27 * 6


def test_provenance_lies_beside_the_assets(served: Served) -> None:
    written = json.loads((Path(served.folder) / "assets.extra" / "provenance.json").read_text())
    assert written == Provenance(pipeline="shop").to_values()
    assert written["pipeline"] == "shop"


def test_provenance_names_origin_counts_metrics_and_versions() -> None:
    metrics, start = FinalMetrics(model={"recall@10": 0.5}), Start(warm=True)
    made_by = MadeBy(pipeline="shop", config_digest="c", code_digest="e")
    result = provenance(made_by, "d", {"items": 2}, metrics, start, FromWeight(from_weight=6), {"temperature": 0.1})
    assert (result.pipeline, result.config_digest, result.code_digest) == ("shop", "c", "e")
    assert (result.data_digest, result.counts) == ("d", {"items": 2})
    assert (result.metrics, result.base_model) == (metrics, start)
    assert result.leave_out == {"from_weight": 6}
    assert result.tuned == {"temperature": 0.1}
    assert result.versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert result.versions["tensorflow"] == tf.__version__
    assert set(result.versions) == {"python", "perennial", "tensorflow", "tensorflow-transform", "tfx"}


def test_digest_of_parts_joined_otherwise_differs() -> None:
    assert digest_of([b"ab", b"c"]) == digest_of([b"ab", b"c"])
    assert digest_of([b"ab", b"c"]) != digest_of([b"a", b"bc"])
    assert digest_of([b"a"]) != digest_of([b"a", b""])


def test_export_over_an_older_model_replaces_it(shop: TrainerInputs, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").write_text("")
    export_model(make_retriever(shop)[0], str(folder), Provenance())
    assert not (folder / "old").exists()
    assert (folder / "saved_model.pb").exists()


@pytest.mark.fault
def test_export_cannot_be_put_in_place_leaves_the_older_model(
    shop: TrainerInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "old").write_text("whole")
    rename, moved = os.rename, list[str]()

    def refuse(source: str, goal: str) -> None:
        if source.endswith(".tmp") and moved:
            raise PermissionError("refused")
        rename(source, goal)
        moved.append(goal)

    monkeypatch.setattr("os.rename", refuse)
    with pytest.raises(PermissionError, match="refused"):
        export_model(make_retriever(shop)[0], str(folder), Provenance())
    assert len(moved) == 2  # out of the way and back
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (folder / "old").read_text() == "whole"


@pytest.mark.fault
def test_export_fails_half_way_leaves_nothing(
    shop: TrainerInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(export, "write_requests", refuse)
    with pytest.raises(OSError, match="no space left"):
        export_model(make_retriever(shop)[0], str(tmp_path / "model"), Provenance())
    assert list(tmp_path.iterdir()) == []


def _watched(gs: ObjectStore) -> list[dict[str, bytes]]:
    """All that the bucket ever holds from now on, without the objects that TensorFlow makes for folders."""
    states: list[dict[str, bytes]] = []

    def look() -> None:
        states.append({name: content for (_, name), content in gs.objects.items() if not name.endswith("/")})

    look()
    gs.watch = look
    return states


def test_export_to_an_object_store_is_whole_at_every_moment_and_can_be_loaded(
    served: Served, gs: ObjectStore, tmp_path: Path
) -> None:
    for name in ("saved_model.pb", "variables/variables.index", "assets/gone"):
        gs.put("bucket", f"model/{name}", b"old")
    states = _watched(gs)
    export_model(served.retriever, "gs://bucket/model", Provenance(pipeline="shop"))
    old, new = (state for state in states if "model/saved_model.pb" in state)
    assert (old, new) == (states[0], states[-1])
    assert {"model/variables/variables.index", "model/assets.extra/provenance.json"} <= set(new)
    for state in states:
        assert len({content == b"old" for content in state.values()}) <= 1, "half of each"
    assert any(0 < len(state) < len(new) - 1 for state in states), "written at once, so this test shows nothing"
    # Loaded from here: TensorFlow reads a checkpoint with Python's lock held, and the object store is in this process.
    copy_folder("gs://bucket/model", str(tmp_path / "model"), commit_file="saved_model.pb")
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    assert set(loaded.signatures) == {signature.name for signature in SIGNATURES}


@pytest.mark.fault
def test_export_to_an_object_store_that_fails_half_way_leaves_no_model(served: Served, gs: ObjectStore) -> None:
    gs.put("bucket", "model/saved_model.pb", b"old")
    states = _watched(gs)
    gs.refuse = lambda verb, name: (verb, name) == ("write", "model/variables/variables.index")
    with pytest.raises(tf.errors.PermissionDeniedError):
        export_model(served.retriever, "gs://bucket/model", Provenance())
    assert [state for state in states if "model/saved_model.pb" in state] == states[:1]
    assert max(len(state) for state in states) > 1
    assert gs.names("bucket") == []
