"""`run_fn` from transformed Examples to a model that answers, and what it leaves behind when it fails."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from common.errors import CandidateError, TrainingError
from configs.catalogue import CatalogueSettings
from configs.models.two_tower import TwoTower
from documents.provenance import Provenance
from serving_signatures.export import SIGNATURES
from tests.trainer_inputs import TrainerInputs, make_inputs, write_examples
from trainer.data import read_data
from trainer.fn_args import FnArgs
from trainer.models.two_tower import fit
from trainer.models.two_tower.towers import PROJECTION
from trainer.models.two_tower.two_tower import TwoTowerModel
from trainer.run_fn import run_fn
from trainer.settings import TrainerSettings
from trainer.warm_state import read_state

pytestmark = pytest.mark.e2e

ARCHITECTURE = fit.architecture(TwoTower(embedding_dim=8))


def fn_args(shop: TrainerInputs, folder: Path, **changes: Any) -> FnArgs:
    settings = {"embedding_dim": 8, "epochs": 6, "patience": None, "batch_size": 64, "learning_rate": 0.02}
    trainer = {**settings, "warm_start_epochs": 3, "eval_top_k": (3, 10), **changes.pop("trainer", {})}
    custom_config = shop.custom_config(changes.pop("config_digest", "abc"), **trainer)
    return FnArgs(**{**shop.fn_args(folder, custom_config), **changes})


@pytest.fixture(scope="module")
def trained(shop: TrainerInputs, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TwoTowerModel]:
    """The folder of a run, and the model in memory."""
    folder = tmp_path_factory.mktemp("trained")
    models: list[TwoTowerModel] = []

    class Kept(TwoTowerModel):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            models.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "TwoTowerModel", Kept)
        run_fn(fn_args(shop, folder))
    return folder, models[0]


def recommend(model: Any, user: str, history: list[str], k: int = 30) -> tuple[list[bytes], np.ndarray]:
    result = model.signatures["recommend"](
        user_id=tf.constant([user]),
        history=tf.constant([history], tf.string, (1, len(history))),
        history_weight=tf.ones([1, len(history)]),
        exclude=tf.zeros([1, 0], tf.string),
        k=tf.constant([k]),
    )
    return result["item_id"].numpy()[0].tolist(), result["score"].numpy()[0]


def test_run_fn_exported_model_has_learned_the_tastes(trained: tuple[Path, TwoTowerModel]) -> None:
    model = tf.saved_model.load(str(trained[0] / "model" / "Format-Serving"))
    tastes = {f"i{n}".encode() for n in range(8, 16)}

    by_id, _ = recommend(model, "u1-3", [], k=5)
    by_history, _ = recommend(model, "never seen", ["i8", "i9", "i10"], k=4)
    assert set(by_id) <= tastes | {b"new"}
    # Of genre g1 and met by nobody: only its content can have brought it here.
    assert set(by_history) <= tastes | {b"new"}
    neighbours = model.signatures["similar_items"](item_id=tf.constant(["new"]), k=tf.constant([3]))
    assert set(neighbours["item_id"].numpy()[0]) <= tastes


def test_run_fn_exported_model_equals_the_towers_in_memory(
    trained: tuple[Path, TwoTowerModel], shop: TrainerInputs
) -> None:
    folder, in_memory = trained
    model = tf.saved_model.load(str(folder / "model" / "Format-Serving"))
    one = tf.constant([1], tf.int64)
    total = int(model.signatures["catalogue"](offset=one, limit=one)["total"][0])
    served = model.signatures["embed_item_indices"](index=tf.range(total, dtype=tf.int64))["embedding"]
    np.testing.assert_array_equal(served, in_memory.candidate_tower(tf.range(total)))

    items, scores = recommend(model, "u1-3", [])
    users = [
        line.encode()
        for line in (Path(shop.transform_graph_path) / "transform_fn" / "assets" / "user_id").read_text().splitlines()
    ]
    nothing = tf.RaggedTensor.from_row_splits(tf.zeros([0], tf.int32), tf.zeros([2], tf.int64))
    query = in_memory.query_tower(tf.constant([users.index(b"u1-3")]), nothing, tf.cast(nothing, tf.float32))
    cosine = np.asarray(query @ tf.transpose(served))[0]
    embedded = np.asarray(served).any(axis=1)
    np.testing.assert_allclose(np.sort(cosine[embedded])[::-1], scores[scores > -1][: embedded.sum()], rtol=1e-5)
    assert items[total - 1] == b"bare"


def test_run_fn_rule_of_what_is_left_out_is_in_the_model_its_metrics_and_its_provenance(
    shop: TrainerInputs, trained: tuple[Path, TwoTowerModel], tmp_path: Path
) -> None:
    args = fn_args(shop, tmp_path, trainer={"epochs": 1})
    args.custom_config["serving"]["leave_out"] = {"from_weight": 2.0}
    run_fn(args)
    folder = tmp_path / "model" / "Format-Serving"
    items, _ = recommend(tf.saved_model.load(str(folder)), "u1-3", ["i8", "i9"])
    assert {b"i8", b"i9"} <= set(items)  # they weigh 1
    strict, _ = recommend(tf.saved_model.load(str(trained[0] / "model" / "Format-Serving")), "u1-3", ["i8", "i9"])
    assert not {b"i8", b"i9"} & set(strict)
    assert Provenance.read(str(folder)).leave_out == {"from_weight": 2}
    popularity = [
        json.loads((run / "run" / "metrics.json").read_text())["popularity"] for run in (tmp_path, trained[0])
    ]
    assert popularity[0] != popularity[1]


def test_run_fn_origin_and_metrics_are_written(trained: tuple[Path, TwoTowerModel]) -> None:
    folder, _ = trained
    origin = json.loads((folder / "model" / "Format-Serving" / "assets.extra" / "provenance.json").read_text())
    metrics = json.loads((folder / "run" / "metrics.json").read_text())

    assert (origin["pipeline"], origin["config_digest"], origin["code_digest"]) == ("shop", "abc", "def")
    assert origin["counts"] == {
        "users": 37, "items": 27, "interacted_items": 25, "interactions": 183, "eval_users": 38
    }  # fmt: skip
    assert origin["metrics"] == {"model": metrics["model"], "popularity": metrics["popularity"]}
    assert metrics["evaluated"] == {
        "users_before_cut": 38, "users": 38, "targets": 39, "targets_met": 0, "targets_outside_catalogue": 1
    }  # fmt: skip
    assert len(origin["data_digest"]) == 64
    assert sorted(path.name for path in (folder / "model").iterdir()) == ["Format-Serving", "warm_start"]


def test_run_fn_twice_gives_equal_metrics_and_data_digest(
    shop: TrainerInputs, trained: tuple[Path, TwoTowerModel], tmp_path: Path
) -> None:
    run_fn(fn_args(shop, tmp_path))

    def read(folder: Path) -> tuple[Any, Any, Any]:
        origin = json.loads((folder / "model" / "Format-Serving" / "assets.extra" / "provenance.json").read_text())
        checkpoint = tf.train.load_checkpoint(str(folder / "model" / "Format-Serving" / "variables" / "variables"))
        shapes = checkpoint.get_variable_to_shape_map()
        return origin["data_digest"], origin["metrics"], {name: checkpoint.get_tensor(name) for name in shapes}

    (digest, metrics, variables), (again_digest, again_metrics, again) = read(trained[0]), read(tmp_path)
    assert (digest, metrics) == (again_digest, again_metrics)
    assert variables.keys() == again.keys()
    for name, value in variables.items():
        np.testing.assert_array_equal(value, again[name], err_msg=name)


def test_run_fn_eval_max_users_says_how_many_there_were(shop: TrainerInputs, tmp_path: Path) -> None:
    run_fn(fn_args(shop, tmp_path, trainer={"epochs": 1, "eval_max_users": 7}))
    evaluated = json.loads((tmp_path / "run" / "metrics.json").read_text())["evaluated"]
    assert (evaluated["users"], evaluated["users_before_cut"]) == (7, 38)


def test_data_digest_items_change_places_or_other_targets_differs(tmp_path: Path) -> None:
    def digest(first: str, second: str, genre: str, target: str = "b", anew: bool = False) -> str:
        train = {"u1": [first, "c"], "u2": [first, second], "u3": [first]}
        items: dict[str, dict[str, list[str]]] = {"a": {"genre": [genre]}, "b": {"genre": ["g"]}, "c": {"genre": []}}
        content: dict[str, Any] = {"genre": {"kind": "category", "column": 0}}
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        inputs = make_inputs(folder, train, {"u1": [target]}, items, content, anew=anew)
        graphs = (
            tft.TFTransformOutput(inputs.transform_graph_path),
            tft.TFTransformOutput(inputs.candidates_transform_graph_path),
        )
        chosen = CatalogueSettings(features=content).features
        return read_data(fn_args(inputs, folder), chosen, *graphs).digest()

    known = digest("a", "b", "g")
    assert digest("a", "b", "g", anew=True) == known
    assert digest("b", "a", "g") != known
    assert digest("a", "b", "g1") not in (known, digest("a", "b", "g2"))
    assert digest("a", "b", "g", target="c") != known


def empty_split(folder: Path) -> list[str]:
    write_examples(folder / "empty" / "0.gz", [])
    return [str(folder / "empty" / "*")]


@pytest.mark.fault
@pytest.mark.parametrize(
    ("breaking", "message"),
    [
        (lambda folder: {"train_files": empty_split(folder)}, "train split is empty"),
        (lambda folder: {"eval_files": empty_split(folder)}, "eval split is empty"),
        (lambda folder: {"candidates_files": empty_split(folder)}, "catalogue is empty"),
        (lambda folder: {"train_files": [str(folder / "no" / "*")]}, "No file matches"),
        (lambda folder: {"custom_config": {}}, "trainer is missing"),
        (lambda folder: {"trainer": {"learning_rate": 1e38, "temperature": 1e-30}}, "diverged"),
    ],
)
def test_run_fn_failure_is_a_named_error_and_leaves_no_model(
    shop: TrainerInputs, tmp_path: Path, breaking: Callable[[Path], dict[str, Any]], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        run_fn(fn_args(shop, tmp_path, **breaking(tmp_path)))
    assert not (tmp_path / "model").exists()


@pytest.mark.fault
@pytest.mark.parametrize("tower", ["candidate_tower", "query_tower"])
def test_run_fn_collapsed_embeddings_are_a_named_error_and_leave_no_model(
    shop: TrainerInputs, tmp_path: Path, tower: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Collapsing(TwoTowerModel):
        """Loses its tower in the last step, as a step far too large would have it."""

        def fit(self, *args: Any, **kwargs: Any) -> Any:
            fitted = super().fit(*args, **kwargs)
            for variable in getattr(self, tower).trainable_variables:
                if "projection" not in variable.name:
                    variable.assign(tf.ones_like(variable))
            return fitted

    monkeypatch.setattr(fit, "TwoTowerModel", Collapsing)
    with pytest.raises(TrainingError, match="have collapsed"):
        run_fn(fn_args(shop, tmp_path, trainer={"epochs": 1}))
    assert not (tmp_path / "model").exists()


@pytest.mark.fault
def test_run_fn_state_cannot_be_written_leaves_no_model(
    shop: TrainerInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("trainer.run_fn.write_state", refuse)
    with pytest.raises(OSError, match="disk full"):
        run_fn(fn_args(shop, tmp_path, trainer={"epochs": 1}))
    assert [*(tmp_path / "model").iterdir()] == []


def tuned_by(**values: Any) -> dict[str, Any]:
    """Hyperparameters as the Tuner hands them over."""
    space = [{"class_name": "Fixed", "config": {"name": "kind", "conditions": [], "value": "two_tower"}}]
    return {"space": space, "values": {"kind": "two_tower", **values}}


def test_run_fn_trains_with_hyperparameters_and_says_which_settings_come_from_the_tuner(
    shop: TrainerInputs, trained: tuple[Path, TwoTowerModel], tmp_path: Path
) -> None:
    base = str(trained[0] / "model" / "Format-Serving")
    values = {"embedding_dim": 4, "temperature": 0.1, "learning_rate": 0.02}  # the last one is the config's
    run_fn(fn_args(shop, tmp_path, base_model=base, hyperparameters=tuned_by(**values)))

    tuned = {"embedding_dim": 4, "temperature": 0.1}
    served = tf.saved_model.load(str(tmp_path / "model" / "Format-Serving"))
    assert served.signatures["embed_items"].structured_outputs["embedding"].shape[-1] == 4
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["tuned"] == tuned
    assert Provenance.read(str(tmp_path / "model" / "Format-Serving")).tuned == tuned
    report = json.loads((tmp_path / "run" / "warm_start.json").read_text())
    assert not report["unchanged"] and "cosine of 8 dimensions" in report["cold_start_because"]


def test_run_fn_hands_a_tuned_model_on_while_the_hyperparameters_stay(
    shop: TrainerInputs, trained: tuple[Path, TwoTowerModel], tmp_path: Path
) -> None:
    def run(name: str, before: Path, hyperparameters: dict[str, Any] | None) -> bool:
        base = str(before / "model" / "Format-Serving")
        run_fn(fn_args(shop, tmp_path / name, base_model=base, hyperparameters=hyperparameters))
        unchanged: bool = json.loads((tmp_path / name / "run" / "warm_start.json").read_text())["unchanged"]
        return unchanged

    assert not run("found", trained[0], tuned_by(temperature=0.1))
    assert run("again", tmp_path / "found", tuned_by(temperature=0.1, learning_rate=0.02))
    assert json.loads((tmp_path / "again" / "run" / "metrics.json").read_text())["tuned"] == {"temperature": 0.1}
    assert not run("better", tmp_path / "again", tuned_by(temperature=0.15))
    assert not run("none", tmp_path / "again", None)
    assert run("of the config", trained[0], tuned_by(learning_rate=0.02))


def test_run_fn_hyperparameters_that_do_not_fit_are_a_named_error_and_leave_no_model(
    shop: TrainerInputs, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="The hyperparameters hold heat, which is no setting of trainer"):
        run_fn(fn_args(shop, tmp_path, hyperparameters=tuned_by(heat=1)))
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("warm_start", [True, False])
def test_run_fn_nothing_changed_hands_the_base_model_on_in_every_byte(
    shop: TrainerInputs, trained: tuple[Path, TwoTowerModel], tmp_path: Path, warm_start: bool
) -> None:
    base = str(trained[0] / "model" / "Format-Serving")
    run_fn(fn_args(shop, tmp_path, base_model=base, trainer={"warm_start": warm_start}))

    def content(folder: Path) -> dict[str, bytes]:
        return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}

    assert content(tmp_path / "model" / "Format-Serving") == content(trained[0] / "model" / "Format-Serving")
    assert sorted(content(tmp_path / "model")) == sorted(content(trained[0] / "model"))
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == json.loads(
        (trained[0] / "run" / "metrics.json").read_text()
    )
    report = json.loads((tmp_path / "run" / "warm_start.json").read_text())
    assert report["unchanged"]
    assert (report["epochs"], report["cold_start_because"]) == (0, None)
    assert report["base_model"] == str(trained[0] / "model")
    assert report["tables"]["user_embedding"] == {"carried": 37, "new": 0, "dropped": 0}


@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.index"])
def test_run_fn_nothing_changed_but_the_base_model_is_damaged_trains_anew(
    shop: TrainerInputs, trained: tuple[Path, TwoTowerModel], tmp_path: Path, file: str
) -> None:
    base = tmp_path / "base" / "Format-Serving"
    shutil.copytree(trained[0] / "model", base.parent)
    (base / file).write_bytes((base / file).read_bytes()[:-9])
    run_fn(fn_args(shop, tmp_path, base_model=str(base)))
    report = json.loads((tmp_path / "run" / "warm_start.json").read_text())
    assert (report["unchanged"], report["cold_start_because"], report["epochs"]) == (False, None, 3)
    model = tf.saved_model.load(str(tmp_path / "model" / "Format-Serving"))
    assert len(model.signatures) == len(SIGNATURES)


def test_run_fn_without_base_model_starts_cold_and_says_so(trained: tuple[Path, TwoTowerModel]) -> None:
    report = json.loads((trained[0] / "run" / "warm_start.json").read_text())
    assert (report["base_model"], report["epochs"], report["unchanged"]) == (None, 6, False)
    assert report["cold_start_because"] == "there is no blessed model yet"
    assert report["tables"]["item_embedding"] == {"carried": 0, "new": 25, "dropped": 0}


def test_run_fn_warm_start_has_half_the_epochs_and_is_reproducible(
    shop: TrainerInputs, trained: tuple[Path, TwoTowerModel], tmp_path: Path
) -> None:
    base = str(trained[0] / "model" / "Format-Serving")
    states = []
    for name in ("one", "two"):
        run_fn(fn_args(shop, tmp_path / name, base_model=base, trainer={"seed": 1}, config_digest="abd"))
        states.append(
            read_state(str(tmp_path / name / "model" / "warm_start"), fit.architecture(TwoTower(embedding_dim=8)))
        )
    for name, table in states[0].tables.items():
        np.testing.assert_array_equal(table.values, states[1].tables[name].values, err_msg=name)
    np.testing.assert_array_equal(states[0].arrays[PROJECTION], states[1].arrays[PROJECTION])

    report = json.loads((tmp_path / "one" / "run" / "warm_start.json").read_text())
    assert (report["epochs"], report["unchanged"], report["cold_start_because"]) == (3, False, None)
    assert report["tables"]["item_embedding"] == {"carried": 25, "new": 0, "dropped": 0}
    metrics = json.loads((tmp_path / "one" / "run" / "metrics.json").read_text())
    cold = json.loads((trained[0] / "run" / "metrics.json").read_text())
    assert len(metrics["epochs"]) == 3
    # It goes on where the base model was: its first epoch's loss is below a fresh model's.
    assert metrics["epochs"][0]["loss"] < cold["epochs"][0]["loss"] - 0.1
    origin = json.loads(
        (tmp_path / "one" / "model" / "Format-Serving" / "assets.extra" / "provenance.json").read_text()
    )
    assert origin["base_model"]["warm"]
    assert origin["base_model"]["data_digest"] == origin["data_digest"]


def test_run_fn_without_warm_start_and_another_config_starts_cold_and_carries_nothing(
    shop: TrainerInputs, trained: tuple[Path, TwoTowerModel], tmp_path: Path
) -> None:
    base = str(trained[0] / "model" / "Format-Serving")
    run_fn(fn_args(shop, tmp_path, base_model=base, trainer={"warm_start": False}, config_digest="abd"))
    report = json.loads((tmp_path / "run" / "warm_start.json").read_text())
    assert (report["cold_start_because"], report["unchanged"]) == ("trainer.warm_start is false", False)
    assert report["epochs"] == 6
    assert report["tables"]["item_embedding"]["carried"] == 0
    origin = json.loads((tmp_path / "model" / "Format-Serving" / "assets.extra" / "provenance.json").read_text())
    assert not origin["base_model"]["warm"]


def test_run_fn_base_model_of_another_dimension_starts_cold_with_all_epochs(
    shop: TrainerInputs, trained: tuple[Path, TwoTowerModel], tmp_path: Path
) -> None:
    base = str(trained[0] / "model" / "Format-Serving")
    run_fn(fn_args(shop, tmp_path, base_model=base, trainer={"embedding_dim": 4, "epochs": 2}, config_digest="abd"))
    report = json.loads((tmp_path / "run" / "warm_start.json").read_text())
    assert "cosine of 8 dimensions', but this model's is" in report["cold_start_because"]
    assert (report["base_model"], report["epochs"]) == (str(trained[0] / "model"), 2)
    assert report["tables"]["item_embedding"]["carried"] == 0


def test_run_fn_without_learning_needs_a_base_model(shop: TrainerInputs, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"there is no blessed model yet\. Run the pipeline once with learn: true"):
        run_fn(fn_args(shop, tmp_path, trainer={"learn": False}))
    assert not (tmp_path / "model").exists()


def test_run_fn_chooses_its_epochs_and_is_trained_again_with_all_interactions(
    shop: TrainerInputs, tmp_path: Path
) -> None:
    run_fn(fn_args(shop, tmp_path, trainer={"epochs": 12, "patience": 1}))
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    choice = metrics["choice"]
    measured = [epoch["ndcg@10"] for epoch in choice["epochs"]]
    assert choice["settings"] == {"epochs": len(measured) - 1} == {"epochs": int(np.argmax(measured)) + 1}
    assert choice["evaluated"]["users"] == 37
    assert choice["is_trained_again"]
    assert len(metrics["epochs"]) == choice["settings"]["epochs"]
    by_user = json.loads((tmp_path / "run" / "validation.json").read_text())["by_user"]["ndcg@10"]
    assert np.mean(by_user) == pytest.approx(choice["model"]["ndcg@10"]) == pytest.approx(max(measured))


def test_run_fn_follows_the_champion_of_a_comparison(shop: TrainerInputs, tmp_path: Path) -> None:
    compared = {"counts": {"kind": "item_item", "method": "cosine"}, "towers": {"kind": "two_tower", "epochs": 1}}
    for number, (candidate, base) in enumerate((("counts", None), (None, "0"))):
        config = shop.custom_config(f"digest {number}", epochs=1)
        known = {name: {"trainer": model, "made_by": config["made_by"]} for name, model in compared.items()}
        config |= {"candidates": known, "candidate": candidate, "is_compared": candidate is not None}
        config["trainer"] = compared[candidate] if candidate else config["trainer"]
        arguments = shop.fn_args(tmp_path / str(number), TrainerSettings.unpack(config).pack())
        folder = str(tmp_path / base / "model" / "Format-Serving") if base else None
        run_fn(FnArgs(**{**arguments, "base_model": folder}))
    origin = json.loads((tmp_path / "1/model/Format-Serving/assets.extra/provenance.json").read_text())
    assert origin["candidate"] == "counts"
    assert json.loads((tmp_path / "1/run/metrics.json").read_text())["epochs"] == []  # it is not the two-tower model
    assert (tmp_path / "0/run/validation.json").exists()
    assert not (tmp_path / "1/run/validation.json").exists()


def test_run_fn_candidate_that_cannot_be_fitted_is_told_apart_from_a_job_that_is_wrong(
    shop: TrainerInputs, tmp_path: Path
) -> None:
    arguments = fn_args(shop, tmp_path, trainer={"learning_rate": 1e30})
    with pytest.raises(TrainingError, match="training diverged") as alone:
        run_fn(arguments)
    assert type(alone.value) is TrainingError
    arguments.custom_config |= {"candidate": "small", "is_compared": True}
    with pytest.raises(CandidateError, match="training diverged"):
        run_fn(arguments)
    arguments.custom_config["epochs"] = 3
    with pytest.raises(TrainingError, match="no such setting") as wrong:
        run_fn(arguments)
    assert type(wrong.value) is TrainingError
