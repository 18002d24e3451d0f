"""The executor from artifacts to evaluation.json and the blessing; its figures against the trainer's and loops."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.evaluator import executor as evaluator_executor

from common.errors import ModelUnavailableError
from configs.evaluation import Evaluation, Gate
from configs.leave_out import FromWeight, LeaveOut
from documents.provenance import Provenance
from pipeline.components.retrieval_evaluator.executor import Executor
from pipeline.evaluation import asked_model, baselines, measuring, splits
from tests.pipeline.components.retrieval_evaluator.conftest import Shop
from tests.pipeline.components.retrieval_evaluator.inputs import Evaluated, evaluate
from tests.trainer_inputs import write_examples
from trainer import popularity
from trainer.evaluate import Evaluator
from transforms import features

pytestmark = pytest.mark.e2e

SETTINGS = Evaluation(top_k=(1, 3, 10, 20), resamples=100)
GATE = Gate(
    min_users=5,
    floor={"hit_rate@20": 0.01},
    better_than_popularity="ndcg@10",
    last_blessed_metric="ndcg@20",
    required_slices=("user/known",),
)


@pytest.fixture(scope="module")
def evaluated(shop_artifacts: Shop, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """The model against itself as the last blessed one."""
    folder = tmp_path_factory.mktemp("evaluation")
    model = shop_artifacts.model
    return evaluate(folder, shop_artifacts.examples, model, model, SETTINGS, GATE, weighted=True)


def test_executor_served_metrics_equal_the_trainers(evaluated: Evaluated, shop_artifacts: Shop) -> None:
    shop = shop_artifacts
    trainers = Evaluator(shop.held_out, shop.candidates, shop.popularity, SETTINGS.top_k)

    for contender, metrics in (
        ("model", trainers.evaluate(shop.served.scores)),
        ("last_blessed", trainers.evaluate(shop.served.scores)),
        ("popularity", trainers.popularity),
    ):
        assert {name: evaluated.value(name, contender) for name in metrics} == pytest.approx(metrics, abs=1e-6)
    counts = trainers.counts
    assert evaluated.document["users"] == {
        "evaluated": counts["users"],
        "before_cut": counts["users_before_cut"],
        **{name: counts[name] for name in ("targets", "targets_met", "targets_outside_catalogue")},
    }


def test_executor_max_users_cuts_as_the_trainer_does(shop_artifacts: Shop, tmp_path: Path) -> None:
    shop = shop_artifacts
    trainers = Evaluator(shop.held_out, shop.candidates, shop.popularity, (1, 10), max_users=7)
    settings = Evaluation(top_k=(1, 10), resamples=100, max_users=7)
    gate = Gate(last_blessed_metric="ndcg@10")
    result = evaluate(tmp_path, shop.examples, shop.model, None, settings, gate, weighted=True)

    metrics = trainers.evaluate(shop.served.scores)
    assert {name: result.value(name) for name in metrics} == pytest.approx(metrics, abs=1e-6)
    assert result.document["users"]["evaluated"] == 7
    assert result.document["users"]["before_cut"] == 38
    assert "users" in result.failed


def served_lists(shop: Shop) -> dict[str, list[str]]:
    """Each user's first 20, one request a user."""
    recommend = tf.saved_model.load(str(shop.model / "Format-Serving")).signatures["recommend"]
    lists = {}
    for user, history in shop.histories.items():
        answer = recommend(
            user_id=tf.constant([user]),
            history=tf.constant([history], tf.string, (1, len(history))),
            history_weight=tf.constant([shop.weights[user]], tf.float32, (1, len(history))),
            exclude=tf.zeros([1, 0], tf.string),
            k=tf.constant([20]),
        )
        lists[user] = [item.decode() for item in answer["item_id"].numpy()[0] if item]
    return lists


def test_executor_list_metrics_and_mrr_equal_loops(evaluated: Evaluated, shop_artifacts: Shop) -> None:
    shop, lists = shop_artifacts, served_lists(shop_artifacts)
    items = [item.decode() for item in shop.candidates.item_id]
    count = {item: sum(history.count(item) for history in shop.train.values()) for item in items}
    total = sum(count.values())
    shown = {item: sum(item in ranked[:10] for ranked in lists.values()) for item in items}
    in_lists = [item for ranked in lists.values() for item in ranked[:10]]
    first = [
        next((1 / (n + 1) for n, item in enumerate(lists[user]) if item in shop.targets[user]), 0) for user in lists
    ]
    pairs = sum(abs(a - b) for a in shown.values() for b in shown.values())

    assert evaluated.value("mrr") == pytest.approx(np.mean(first))
    assert evaluated.value("coverage@10") == pytest.approx(sum(n > 0 for n in shown.values()) / len(items))
    assert evaluated.value("gini@10") == pytest.approx(pairs / (2 * (len(items) - 1) * sum(shown.values())))
    assert evaluated.value("mean_popularity@10") == pytest.approx(np.mean([count[i] / total for i in in_lists]))
    novelty = np.mean([-np.log2(max(count[item], 1) / total) for item in in_lists])
    assert evaluated.value("novelty@10") == pytest.approx(novelty)


def test_executor_slices_equal_loops(evaluated: Evaluated, shop_artifacts: Shop) -> None:
    shop, lists = shop_artifacts, served_lists(shop_artifacts)
    slices = evaluated.document["contenders"]["model"]["slices"]
    items = {item.decode() for item in shop.candidates.item_id}
    met = {item for history in shop.train.values() for item in history}

    def hit_rate(chosen: dict[str, set[str]]) -> tuple[int, float | None]:
        asked = {user: targets for user, targets in chosen.items() if targets}
        hits = [bool(targets & set(lists[user][:10])) for user, targets in asked.items()]
        return len(asked), float(np.mean(hits)) if hits else None

    targets = {user: set(of_user) for user, of_user in shop.targets.items()}
    wanted = {
        ("user", "known"): {u: t for u, t in targets.items() if u in shop.train},
        ("user", "unknown"): {u: t for u, t in targets.items() if u not in shop.train},
        ("user_activity", "0"): {u: t for u, t in targets.items() if not shop.histories[u]},
        ("user_activity", "1-4"): {u: t for u, t in targets.items() if 1 <= len(shop.histories[u]) <= 4},
        ("user_activity", "5-19"): {u: t for u, t in targets.items() if 5 <= len(shop.histories[u]) <= 19},
        ("user_activity", "100+"): {},
        ("target", "with events"): {u: t & met for u, t in targets.items()},
        ("target", "without events"): {u: t & (items - met) for u, t in targets.items()},
    }
    for (kind, name), chosen in wanted.items():
        users, rate = hit_rate(chosen)
        assert slices[kind][name]["users"] == users, (kind, name)
        assert slices[kind][name]["metrics"]["hit_rate@10"]["value"] == pytest.approx(rate), (kind, name)
    parts = slices["target_popularity"]
    assert sum(parts[name]["users"] for name in ("head", "torso", "tail")) == 38
    assert parts["head"]["users"] > 0 < parts["tail"]["users"]


def test_executor_document_is_strict_json_by_the_contract(evaluated: Evaluated, shop_artifacts: Shop) -> None:
    document = evaluated.document
    assert list(document) == [
        "format_version", "users", "settings", "gate", "leave_out", "contenders", "differences", "samples",
        "models", "neighbour_stability", "decision", "seconds",
    ]  # fmt: skip
    assert list(document["contenders"]) == ["model", "last_blessed", "popularity", "item_item"]
    assert set(document["differences"]) == {"popularity", "item_item", "last_blessed"}
    for contender in document["contenders"].values():
        assert list(contender["metrics"]) == list(SETTINGS.metrics)
        for figure in contender["metrics"].values():
            assert figure["low"] - 1e-9 <= figure["value"] <= figure["high"] + 1e-9
    assert set(document["differences"]["last_blessed"]["ndcg@10"].values()) == {0.0}
    assert document["neighbour_stability"] == {"mean_jaccard@10": 1.0, "items": 25}
    assert document["models"]["model"]["digest"] == document["models"]["last_blessed"]["digest"]
    assert len(document["samples"]["recommendations"]) == 5 and len(document["samples"]["neighbours"]) >= 3
    one = document["samples"]["recommendations"][0]
    assert not one["known_user"] and one["history"] == [] and len(one["recommended"]) == 10
    assert one["targets"] == [{"item_id": "i3", "title": "Title of i3"}]
    assert not any(user in json.dumps(document) for user in shop_artifacts.histories)


def test_executor_artifacts_are_those_of_tfxs_evaluator(evaluated: Evaluated, shop_artifacts: Shop) -> None:
    measured, blessing = evaluated.evaluation, evaluated.blessing
    assert issubclass(Executor, evaluator_executor.Executor)
    assert blessing.get_int_custom_property("blessed") == int(evaluated.blessed)
    assert blessing.get_int_custom_property("current_model_id") == 2
    assert blessing.get_string_custom_property("current_model") == str(shop_artifacts.model)
    assert blessing.get_int_custom_property("baseline_model_id") == 3
    assert [path.name for path in Path(blessing.uri).iterdir()] == ["BLESSED" if evaluated.blessed else "NOT_BLESSED"]
    assert [path.name for path in Path(measured.uri).iterdir()] == ["evaluation.json"]
    assert measured.get_float_custom_property("ndcg_at_10") == evaluated.value("ndcg@10")
    assert measured.get_string_custom_property("failed_rules") == ", ".join(sorted(evaluated.failed))


def tampered(shop: Shop, folder: Path, **values: Any) -> Path:
    """A copy of the model whose variables hold other values."""
    loaded = tf.saved_model.load(str(shop.model / "Format-Serving"))
    for name, value in values.items():
        getattr(loaded.model if name == "embedding" else loaded, name).assign(value)
    tf.saved_model.save(loaded, str(folder / "Format-Serving"), signatures=dict(loaded.signatures))
    return folder


def test_executor_model_that_cannot_be_asked_is_refused_and_says_why(shop_artifacts: Shop, tmp_path: Path) -> None:
    result = evaluate(tmp_path / "gone", shop_artifacts.examples, tmp_path / "no model", None, SETTINGS, GATE)
    assert result.failed == {"scoreable"} and result.document["contenders"] == {}

    one_nan = np.array(shop_artifacts.two_tower.candidate_tower(tf.range(shop_artifacts.candidates.items)))
    one_nan[3, 2] = np.nan
    broken = tampered(shop_artifacts, tmp_path / "broken", embedding=one_nan)
    result = evaluate(tmp_path / "out", shop_artifacts.examples, broken, shop_artifacts.model, SETTINGS, GATE)
    assert result.failed == {"scoreable"}
    assert "embeddings of 1 of 27 items" in result.document["decision"]["rules"][0]["detail"]
    # What it was held against is measured all the same.
    assert set(result.document["contenders"]) == {"last_blessed", "popularity", "item_item"}


def test_executor_last_blessed_that_cannot_be_asked_counts_as_none(shop_artifacts: Shop, tmp_path: Path) -> None:
    gone = tmp_path / "deleted"
    result = evaluate(tmp_path / "out", shop_artifacts.examples, shop_artifacts.model, gone, SETTINGS, GATE)

    (rule,) = (r for r in result.document["decision"]["rules"] if r["rule"] == "not_worse_than_last_blessed")
    assert rule["passed"] and "cannot be scored" in rule["detail"]
    assert "last_blessed" not in result.document["contenders"]
    assert result.document["models"]["last_blessed"] == {"uri": str(gone), "digest": None}


@pytest.mark.parametrize("which", ["model", "last_blessed"])
def test_executor_model_that_cannot_be_read_today_stops_the_run(
    shop_artifacts: Shop, tmp_path: Path, which: str
) -> None:
    models = {"model": shop_artifacts.model, "last_blessed": shop_artifacts.model}
    models[which] = tmp_path / "half read"
    shutil.copytree(shop_artifacts.model, models[which])
    (variables,) = models[which].glob("Format-Serving/variables/variables.data-*")
    variables.write_bytes(variables.read_bytes()[:-100])
    with pytest.raises(ModelUnavailableError, match=r"half read/Format-Serving cannot be loaded: .* run again"):
        evaluate(tmp_path, shop_artifacts.examples, models["model"], models["last_blessed"], SETTINGS, GATE)
    assert list((tmp_path / "blessing").glob("*")) == []


@pytest.mark.parametrize("damage", ["variables gone", "signature gone", "other inputs", "other outputs", "too narrow"])
def test_executor_last_blessed_damaged_for_good_is_noted(shop_artifacts: Shop, tmp_path: Path, damage: str) -> None:
    damaged = tmp_path / "damaged"
    if damage == "variables gone":
        shutil.copytree(shop_artifacts.model, damaged)
        shutil.rmtree(damaged / "Format-Serving" / "variables")
    else:
        loaded = tf.saved_model.load(str(shop_artifacts.model / "Format-Serving"))
        signatures = dict(loaded.signatures)
        scores = signatures["scores"]
        spec = dict(scores.structured_input_signature[1])

        @tf.function(input_signature=[spec])
        def other_outputs(inputs: Any) -> Any:
            return {"cosine": scores(**inputs)["score"]}

        @tf.function(input_signature=[spec])
        def too_narrow(inputs: Any) -> Any:
            return {"score": scores(**inputs)["score"][:, 1:]}

        loaded.kept = (other_outputs, too_narrow)
        signatures["scores"] = {
            "signature gone": None,
            "other inputs": signatures["similar_items"],
            "other outputs": other_outputs.get_concrete_function(),
            "too narrow": too_narrow.get_concrete_function(),
        }[damage]
        if damage == "signature gone":
            del signatures["scores"]
        tf.saved_model.save(loaded, str(damaged / "Format-Serving"), signatures=signatures)
    result = evaluate(tmp_path, shop_artifacts.examples, shop_artifacts.model, damaged, SETTINGS, GATE)

    (rule,) = (r for r in result.document["decision"]["rules"] if r["rule"] == "not_worse_than_last_blessed")
    assert rule["passed"] and "cannot be scored" in rule["detail"]
    assert "last_blessed" not in result.document["contenders"]


def test_executor_last_blessed_without_neighbours_is_compared_with_all_the_same(
    shop_artifacts: Shop, tmp_path: Path
) -> None:
    loaded = tf.saved_model.load(str(shop_artifacts.model / "Format-Serving"))
    signatures = {**loaded.signatures, "similar_items": loaded.signatures["recommend"]}
    tf.saved_model.save(loaded, str(tmp_path / "mute" / "Format-Serving"), signatures=signatures)
    gate = GATE.model_copy(update={"min_neighbour_stability": 0.5})
    result = evaluate(tmp_path, shop_artifacts.examples, shop_artifacts.model, tmp_path / "mute", SETTINGS, gate)

    applied = {rule["rule"]: rule for rule in result.document["decision"]["rules"]}
    assert applied["not_worse_than_last_blessed"]["value"] == 0.0
    assert not applied["neighbour_stability"]["passed"]
    assert "signature similar_items takes other inputs" in applied["neighbour_stability"]["detail"]


HEAVY = FromWeight(from_weight=6)


@pytest.fixture(scope="module")
def lenient(shop_artifacts: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, exported with the rule that only what weighs 6 is left out."""
    folder = tmp_path_factory.mktemp("lenient")
    shop_artifacts.export(str(folder / "Format-Serving"), HEAVY)
    return folder


def test_executor_rule_holds_for_model_baselines_and_targets_as_for_the_trainer(
    shop_artifacts: Shop, lenient: Path, tmp_path: Path
) -> None:
    shop = shop_artifacts
    result = evaluate(tmp_path, shop.examples, lenient, lenient, SETTINGS, GATE, weighted=True, leave_out=HEAVY)
    trainers = Evaluator(shop.held_out, shop.candidates, shop.popularity, SETTINGS.top_k, HEAVY)
    for contender, metrics in (
        ("model", trainers.evaluate(shop.served.scores)),
        ("last_blessed", trainers.evaluate(shop.served.scores)),
        ("popularity", trainers.popularity),
    ):
        assert {name: result.value(name, contender) for name in metrics} == pytest.approx(metrics, abs=1e-6)
    everything = Evaluator(shop.held_out, shop.candidates, shop.popularity, SETTINGS.top_k)
    assert trainers.evaluate(shop.served.scores) != everything.evaluate(shop.served.scores)
    assert result.document["leave_out"] == {"from_weight": 6}
    assert Provenance.read(str(lenient / "Format-Serving")).leave_out == {"from_weight": 6}


@pytest.mark.parametrize("rule", ["everything", HEAVY])
def test_executor_last_blessed_of_another_rule_is_judged_by_todays(
    shop_artifacts: Shop, lenient: Path, tmp_path: Path, rule: LeaveOut
) -> None:
    shop = shop_artifacts
    models = (shop.model, lenient) if rule == "everything" else (lenient, shop.model)
    result = evaluate(tmp_path, shop.examples, *models, SETTINGS, GATE, weighted=True, leave_out=rule)
    differences = result.document["differences"]["last_blessed"]
    assert {figure["value"] for figure in differences.values()} == {0.0}


def test_executor_model_that_serving_check_refused_is_not_blessed(shop_artifacts: Shop, tmp_path: Path) -> None:
    shop, why = shop_artifacts, ["recommend: off the trainer's by 0.3"]
    result = evaluate(tmp_path, shop.examples, shop.model, None, SETTINGS, GATE, serving_failures=why)

    assert not result.blessed and "servable" in result.failed
    (rule,) = (rule for rule in result.document["decision"]["rules"] if rule["rule"] == "servable")
    assert why[0] in rule["detail"]


def test_executor_log_with_times_has_recent_popularity_which_the_gate_may_count(
    shop_artifacts: Shop, tmp_path: Path
) -> None:
    shop, catalogue = shop_artifacts, [item.decode() for item in shop_artifacts.candidates.item_id]
    met, wanted = ({item for items in each.values() for item in items} for each in (shop.train, shop.targets))
    item = min(met & wanted, key=lambda each: (shop.popularity[catalogue.index(each)], each))
    day, examples = 86_400, tmp_path / "examples"
    rows: list[dict[str, list[Any]]] = [
        {
            features.USER_ID: [user],
            features.ITEM_ID: history,
            features.TIMESTAMP: [100 * day if each == item else day for each in history],
        }
        for user, history in shop.train.items()
    ]
    write_examples(examples / "Split-train" / "data.gz", rows)
    shutil.copytree(shop.examples / "Split-eval", examples / "Split-eval")
    gate = GATE.model_copy(update={"better_than_recent_popularity": True})
    result = evaluate(tmp_path / "out", examples, shop.model, None, SETTINGS, gate)

    # In the last days everybody met one item, which leads all lists; the others follow by all time.
    first = np.array([1.0 if place == item else 0.0 for place in catalogue]) + shop.popularity
    expected = Evaluator(shop.held_out, shop.candidates, first, SETTINGS.top_k).popularity
    found = {name: result.value(name, "recent_popularity") for name in expected}
    assert found == pytest.approx(expected, abs=1e-6)
    assert found != pytest.approx({name: result.value(name, "popularity") for name in expected}, abs=1e-6)
    rules = {rule["rule"]: rule for rule in result.document["decision"]["rules"]}
    difference = result.document["differences"]["recent_popularity"]["ndcg@10"]
    assert rules["better_than_recent_popularity"]["low"] == difference["low"]


def test_executor_no_evaluated_users_is_refused(shop_artifacts: Shop, tmp_path: Path) -> None:
    examples = tmp_path / "examples"
    shutil.copytree(shop_artifacts.examples / "Split-train", examples / "Split-train")
    shutil.copytree(shop_artifacts.examples / "Split-train", examples / "Split-eval")
    result = evaluate(tmp_path / "out", examples, shop_artifacts.model, None, SETTINGS, GATE)

    unmeasured = {"finite", "floor", "coverage", "better_than_popularity"}
    assert result.failed == {"users", "slice", *unmeasured}


def test_executor_models_and_splits_that_do_not_fit_into_one_piece_give_the_same_document(
    evaluated: Evaluated, shop_artifacts: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As catalogues and logs of millions are cut.
    for module, name, value in (
        (asked_model, "_VALUES_A_BATCH", 100),
        (asked_model, "_ITEMS_A_PAGE", 4),
        (asked_model, "_IDS_A_LOOK_UP", 150),
        (measuring, "_COUNTS_A_BLOCK", 60),
        (baselines, "_VALUES_A_CHUNK", 200),
        (popularity, "_VALUES_A_CHUNK", 200),
        (splits, "USERS_A_BLOCK", 5),
        (splits, "INTERACTIONS_A_LOOK_UP", 20),
    ):
        assert isinstance(getattr(module, name), int)
        monkeypatch.setattr(module, name, value)
    model = shop_artifacts.model
    result = evaluate(tmp_path, shop_artifacts.examples, model, model, SETTINGS, GATE, weighted=True)
    for name in ("seconds", "samples"):  # scores of other batches differ in the last bit
        del result.document[name]
    assert result.document == {name: evaluated.document[name] for name in result.document}
