"""Training mirrored over two devices: the same model as on one."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from configs.models.two_tower import TwoTower
from serving_signatures.export import SIGNATURES
from tests import forked
from tests.trainer_inputs import TrainerInputs
from trainer.models.two_tower.fit import architecture
from trainer.warm_state import read_state

ROOT = Path(__file__).parents[4]


def train(shop: TrainerInputs, folder: Path, devices: int, base_model: str | None = None, **trainer: Any) -> str:
    """Trains in a process with so many devices, and returns what it said."""
    # An odd batch, so that the shards differ in size.
    settings = {"embedding_dim": 8, "epochs": 4, "batch_size": 61, "learning_rate": 0.02, "eval_top_k": (3, 10)}
    custom_config = shop.custom_config(str(folder), **{**settings, **trainer})
    fn_args = {**shop.fn_args(folder, custom_config), "base_model": base_model}
    folder.mkdir()
    (folder / "fn_args.json").write_text(json.dumps(fn_args))
    command = [forked.python(), "-m", "tests.trainer.mirrored", str(devices), str(folder / "fn_args.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def metrics(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "run" / "metrics.json").read_text())
    return read


def answers(folder: Path) -> dict[str, np.ndarray]:
    model = tf.saved_model.load(str(folder / "model" / "Format-Serving"))
    assert len(model.signatures) == len(SIGNATURES)
    result = model.signatures["recommend"](
        user_id=tf.constant(["u0-1", "u2-4", "stranger"]),
        history=tf.constant([["i1", ""], ["", ""], ["i8", "i9"]]),
        history_weight=tf.ones([3, 2]),
        exclude=tf.zeros([3, 0], tf.string),
        k=tf.constant([5] * 3),
    )
    return {name: tensor.numpy() for name, tensor in result.items()}


@pytest.fixture(scope="module")
def one_device(shop: TrainerInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained on one device, with Adam."""
    folder = tmp_path_factory.mktemp("one") / "one"
    assert "training on 1 device(s)" in train(shop, folder, 1)
    return folder


@pytest.mark.e2e
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "adagrad"},
        {"batch_negatives": False, "uniform_negatives": 16},
        # The replicas drop other values than one device does.
        {"query": "attention", "max_history": 5, "uniform_negatives": 16, "dropout": 0.0},
    ],
    ids=["adam", "adagrad", "uniform", "attention"],
)
def test_run_fn_on_two_devices_makes_the_model_of_one(
    shop: TrainerInputs, one_device: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    one, two = tmp_path / "one" if settings else one_device, tmp_path / "two"
    if settings:
        train(shop, one, 1, **settings)
    assert "training on 2 device(s)" in train(shop, two, 2, **settings)

    for of_one, of_two in zip(metrics(one)["epochs"], metrics(two)["epochs"], strict=True):
        assert of_two["loss"] == pytest.approx(of_one["loss"], rel=1e-4)
        assert of_two["recall@10"] == pytest.approx(of_one["recall@10"], abs=0.02)
    is_called = architecture(TwoTower(embedding_dim=8, **settings))
    of_one, of_two = (read_state(str(folder / "model" / "warm_start"), is_called) for folder in (one, two))
    for name, table in of_one.tables.items():
        np.testing.assert_allclose(of_two.tables[name].values, table.values, atol=1e-3, err_msg=name)
    for name, array in of_one.arrays.items():
        np.testing.assert_allclose(of_two.arrays[name], array, atol=1e-3, err_msg=name)
    np.testing.assert_array_equal(answers(two)["known_user"], [True, True, False])
    np.testing.assert_allclose(answers(two)["score"], answers(one)["score"], atol=1e-3)


@pytest.mark.e2e
def test_run_fn_on_two_devices_starts_warm_from_a_model_of_one(
    shop: TrainerInputs, one_device: Path, tmp_path: Path
) -> None:
    one, two = one_device, tmp_path / "two"
    train(shop, two, 2, base_model=str(one / "model" / "Format-Serving"))
    report = json.loads((two / "run" / "warm_start.json").read_text())
    assert (report["cold_start_because"], report["tables"]["user_embedding"]["carried"]) == (None, 37)
    assert metrics(two)["epochs"][0]["loss"] < metrics(one)["epochs"][0]["loss"] - 0.1
