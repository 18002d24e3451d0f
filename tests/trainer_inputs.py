"""Makes the inputs of Trainer from rows, with TFT itself: transform graphs and transformed Examples."""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils

from configs.serving import Serving
from documents.provenance import MadeBy
from tests.once import once
from trainer.settings import TrainerSettings
from transforms import catalogue, features, interactions

Rows = Sequence[Mapping[str, Sequence[Any]]]

INTERACTIONS = {
    features.USER_ID: tf.string,
    features.ITEM_ID: tf.string,
    features.VALUE: tf.float32,
    features.TIMESTAMP: tf.int64,
    features.TARGET_ITEM_ID: tf.string,
    features.TARGET_VALUE: tf.float32,
    features.TARGET_TIMESTAMP: tf.int64,
}


@dataclasses.dataclass(frozen=True)
class TrainerInputs:
    """Folders and patterns, named as in `FnArgs`."""

    train_files: list[str]
    eval_files: list[str]
    candidates_files: list[str]
    transform_graph_path: str
    candidates_transform_graph_path: str
    features: dict[str, Any]
    """Config of the content features, as JSON values."""

    def custom_config(self, config_digest: str = "abc", **trainer: Any) -> dict[str, Any]:
        """The Trainer's settings, as TFX hands them over: through JSON."""
        settings = TrainerSettings.model_validate(
            {
                "trainer": trainer,
                "serving": Serving(k=3),
                "features": self.features,
                "made_by": MadeBy(pipeline="shop", config_digest=config_digest, code_digest="def"),
            }
        )
        packed: dict[str, Any] = json.loads(json.dumps(settings.pack()))
        return packed

    def fn_args(self, folder: Path, custom_config: dict[str, Any]) -> dict[str, Any]:
        """The fields of `FnArgs` of a run that writes to a folder, as JSON values."""
        return {
            "train_files": self.train_files,
            "eval_files": self.eval_files,
            "candidates_files": self.candidates_files,
            "transform_graph_path": self.transform_graph_path,
            "candidates_transform_graph_path": self.candidates_transform_graph_path,
            "serving_model_dir": str(folder / "model" / "Format-Serving"),
            "model_run_dir": str(folder / "run"),
            "custom_config": custom_config,
        }


def make_inputs(
    folder: Path,
    train: Mapping[str, Sequence[str]],
    targets: Mapping[str, Sequence[str]],
    items: Mapping[str, Mapping[str, Sequence[Any]]],
    content: dict[str, Any] | None = None,
    values: Mapping[str, Sequence[float]] | None = None,
    *,
    anew: bool = False,
) -> TrainerInputs:
    """Runs the two preprocessing functions.

    Args:
        folder: The folder to write to.
        train: Users to histories.
        targets: Users to held-out items; a user who is not in `train` has no history.
        items: Catalogue item ids to raw content features.
        content: Config of the content features.
        values: Users to event weights, which become the weights of the histories.
        anew: Whether to run TFT even if this test run has already transformed these rows.
    """
    content = content or {}

    def row(user: str, target: Sequence[str]) -> dict[str, Any]:
        history = list(train.get(user, []))
        value = list(values[user]) if values is not None else [1.0] * len(history)
        return {
            features.USER_ID: [user],
            features.ITEM_ID: history,
            features.VALUE: value,
            features.TIMESTAMP: list(range(len(history))),
            features.TARGET_ITEM_ID: list(target),
            features.TARGET_VALUE: [1.0] * len(target),
            features.TARGET_TIMESTAMP: [len(history)] * len(target),
        }

    raw_items = [{features.ITEM_ID: [item], features.TITLE: [f"Title of {item}"], **raw} for item, raw in items.items()]
    number = {name: tf.float32 if feature["kind"] == "number" else tf.string for name, feature in content.items()}
    _transform(
        folder / "interactions",
        interactions.preprocessing_fn,
        {"weighted": values is not None},
        INTERACTIONS,
        {
            "train": [row(user, []) for user in train],
            "eval": [row(user, target) for user, target in targets.items()],
        },
        anew,
    )
    _transform(
        folder / "catalogue",
        catalogue.preprocessing_fn,
        {"features": content},
        {features.ITEM_ID: tf.string, features.TITLE: tf.string, **number},
        {"train": [{**{name: [] for name in content}, **raw} for raw in raw_items]},
        anew,
    )
    return TrainerInputs(
        train_files=[str(folder / "interactions" / "train" / "*")],
        eval_files=[str(folder / "interactions" / "eval" / "*")],
        candidates_files=[str(folder / "catalogue" / "train" / "*")],
        transform_graph_path=str(folder / "interactions" / "graph"),
        candidates_transform_graph_path=str(folder / "catalogue" / "graph"),
        features=content,
    )


def _transform(
    folder: Path,
    preprocessing_fn: Callable[[Any, dict[str, Any]], Any],
    settings: dict[str, Any],
    spec: dict[str, Any],
    splits: dict[str, Rows],
    anew: bool,
) -> None:
    """Runs TFT, or copies its earlier result for the same rows: TFT takes 3 s for any number of rows."""

    def make(there: Path) -> None:
        _transform_anew(there, lambda inputs: preprocessing_fn(inputs, settings), spec, splits)

    if anew:
        make(folder)
    else:
        what = repr((preprocessing_fn.__module__, settings, spec, splits)).encode()
        shutil.copytree(once(f"transformed-{hashlib.sha256(what).hexdigest()}", make), folder)


def _transform_anew(
    folder: Path, preprocessing_fn: Callable[[Any], Any], spec: dict[str, Any], splits: dict[str, Rows]
) -> None:
    metadata = dataset_metadata.DatasetMetadata(
        schema_utils.schema_from_feature_spec({name: tf.io.VarLenFeature(dtype) for name, dtype in spec.items()})
    )
    with beam.Pipeline("FnApiRunner") as pipeline, tft_beam.Context(temp_dir=str(folder / "tmp")):
        data = pipeline | beam.Create(splits["train"])
        graph = (data, metadata) | tft_beam.AnalyzeDataset(preprocessing_fn)
        _ = graph | tft_beam.WriteTransformFn(str(folder / "graph"))
    # TFX's Transform writes the raw schema there; TFT alone does not.
    metadata_io.write_metadata(metadata, str(folder / "graph" / "metadata"))
    layer = tft.TFTransformOutput(str(folder / "graph")).transform_features_layer()
    parsing = {name: tf.io.VarLenFeature(dtype) for name, dtype in spec.items()}
    for split, rows in splits.items():
        columns = layer(tf.io.parse_example([example(row) for row in rows], parsing))
        transformed = [{name: _values(column, n) for name, column in columns.items()} for n in range(len(rows))]
        write_examples(folder / split / "examples-00000-of-00001.gz", transformed)


def _values(column: Any, row: int) -> list[Any]:
    if isinstance(column, tf.SparseTensor):
        return column.values.numpy()[column.indices.numpy()[:, 0] == row].tolist()
    return [column.numpy()[row]]


def write_examples(file: Path, rows: Rows) -> None:
    """Writes gzipped tf.Examples."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
        for row in rows:
            writer.write(example(row))


def example(row: Mapping[str, Any]) -> bytes:
    """One serialized tf.Example of strings, integers and floats."""
    feature = {}
    for name, result in row.items():
        values = np.atleast_1d(np.asarray(result, object)).tolist()
        if not values:
            feature[name] = tf.train.Feature()
        elif all(isinstance(value, (int, np.integer)) for value in values):
            feature[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        elif all(isinstance(value, (float, np.floating)) for value in values):
            feature[name] = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        else:
            as_bytes = [value.encode() if isinstance(value, str) else value for value in values]
            feature[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=as_bytes))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


GROUPS, GROUP_SIZE = 3, 8


def shop_inputs(folder: Path, new_items: Mapping[str, Mapping[str, Sequence[Any]]] | None = None) -> TrainerInputs:
    """A shop whose 36 customers have three tastes; the tests say why each unusual customer is there.

    Each of the items `i0` to `i23` has interactions by customers of one taste. Nobody interacts with `new`, which has
    content, or with `bare`, which has none. The id `ü\t€` must stay unchanged in tables. Values are event weights.
    """
    rng = np.random.default_rng(0)
    train, targets, values = {}, {}, {}
    for group in range(GROUPS):
        for n in range(12):
            chosen = [f"i{group * GROUP_SIZE + item}" for item in rng.permutation(GROUP_SIZE)]
            user = f"u{group}-{n}"
            train[user], targets[user] = chosen[:5], chosen[5:6]
            values[user] = rng.choice([0.5, 2.0, 6.0], 5).tolist()
    train["ü 1"], values["ü 1"] = ["i0", "ü\t€", "i1"], [1.0, 1.0, 2.0]
    targets["ü 1"] = ["gone", "i2"]
    # A user and a history that are not in the training data.
    targets["stranger"], values["stranger"] = ["i3"], []
    items: dict[str, Mapping[str, Sequence[Any]]] = {}
    for n in range(GROUPS * GROUP_SIZE):
        items[f"i{n}"] = {"genre": [f"g{n // GROUP_SIZE}"], "year": [float(n)]}
    items |= {"new": {"genre": ["g1"]}, "bare": {}, "ü\t€": {"genre": ["g0", "g2"]}, **(new_items or {})}
    content = {"genre": {"kind": "category", "column": 0}, "year": {"kind": "number", "column": 0, "buckets": 4}}
    return make_inputs(folder, train, targets, items, content, values)
