"""Does the same work with TFX's stock components, wired as in TFX's recommenders tutorial: one Example per event."""

import os
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs
import tensorflow_transform as tft
from tfx.components import CsvExampleGen, Pusher, SchemaGen, StatisticsGen, Trainer, Transform
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2, trainer_pb2

BATCH_SIZE = 4096
EMBEDDING_DIM = 32


def create_pipeline(folder: Path, log_dir: Path, beam_pipeline_args: list[str]) -> Pipeline:
    """Makes a pipeline of CsvExampleGen, StatisticsGen, SchemaGen, Transform, Trainer and Pusher.

    Args:
        folder: Where artifacts, metadata and the pushed model go.
        log_dir: The folder of the CSV files.
        beam_pipeline_args: Flags for every Beam component, the same as Perennial's.

    Returns:
        The pipeline.
    """
    example_gen = CsvExampleGen(input_base=str(log_dir))
    statistics_gen = StatisticsGen(examples=example_gen.outputs["examples"])
    schema_gen = SchemaGen(statistics=statistics_gen.outputs["statistics"])
    transform = Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        preprocessing_fn="tests.bench.stock.preprocessing_fn",
    )
    trainer = Trainer(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        run_fn="tests.bench.stock.run_fn",
        train_args=trainer_pb2.TrainArgs(),
        eval_args=trainer_pb2.EvalArgs(),
    )
    pusher = Pusher(
        model=trainer.outputs["model"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(folder / "serving"))
        ),
    )
    return Pipeline(
        pipeline_name="stock",
        pipeline_root=str(folder / "artifacts"),
        components=[example_gen, statistics_gen, schema_gen, transform, trainer, pusher],
        metadata_connection_config=sqlite_metadata_connection_config(str(folder / "metadata.db")),
        beam_pipeline_args=beam_pipeline_args,
    )


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Maps user and item ids to vocabulary indices."""
    as_text = {
        name: tf.strings.as_string(value) if value.dtype != tf.string else value
        for name, value in ((name, inputs[name]) for name in ("user_id", "item_id"))
    }
    return {
        name: tft.compute_and_apply_vocabulary(value, vocab_filename=name, num_oov_buckets=1)
        for name, value in as_text.items()
    }


class _TwoTower(tfrs.Model):
    def __init__(self, users: int, items: int) -> None:
        super().__init__()
        self.user_tower = tf.keras.layers.Embedding(users, EMBEDDING_DIM)
        self.item_tower = tf.keras.layers.Embedding(items, EMBEDDING_DIM)
        self.task = tfrs.tasks.Retrieval()

    def compute_loss(self, inputs: dict[str, Any], training: bool = False) -> Any:
        user = tf.squeeze(self.user_tower(inputs["user_id"]), axis=1)
        item = tf.squeeze(self.item_tower(inputs["item_id"]), axis=1)
        return self.task(user, item, compute_metrics=False)


def run_fn(fn_args: Any) -> None:
    """Trains one epoch, and exports a model that embeds users."""
    graph = tft.TFTransformOutput(fn_args.transform_output)
    spec = {name: tf.io.FixedLenFeature([1], tf.int64) for name in ("user_id", "item_id")}
    files = [file for pattern in fn_args.train_files for file in tf.io.gfile.glob(pattern)]
    dataset = (
        tf.data.TFRecordDataset(files, compression_type="GZIP")
        .shuffle(100_000, seed=1)
        .batch(BATCH_SIZE, drop_remainder=True)
        .map(lambda records: tf.io.parse_example(records, spec), num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )
    model = _TwoTower(graph.vocabulary_size_by_name("user_id") + 1, graph.vocabulary_size_by_name("item_id") + 1)
    model.compile(optimizer=tf.keras.optimizers.legacy.Adagrad(0.1))
    model.fit(dataset, epochs=1, verbose=0)
    serving = tf.Module()
    serving.user_tower = model.user_tower
    serving.embed = tf.function(
        lambda user: {"embedding": serving.user_tower(user)}, input_signature=[tf.TensorSpec([None], tf.int64, "user")]
    )
    os.makedirs(fn_args.serving_model_dir, exist_ok=True)
    tf.saved_model.save(serving, fn_args.serving_model_dir, signatures={"serving_default": serving.embed})
