"""A pipeline that asks whether training is due: small news are taken into the last model, large ones are learned."""

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import yaml

from documents.provenance import Provenance
from documents.retraining import RetrainingReport
from documents.warm_start import WarmStartReport
from pipeline.ground.layout import DATA_FOLDER, LEARNED_FOLDER
from tests.shop import ITEMS, USERS, Shop

pytestmark = pytest.mark.e2e

DAY = 86_400
NEW_ITEM = "b-new"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("retraining"))
    config = yaml.safe_load(shop.config.read_text())
    # The gate is not what these tests are about, and 10 users of a shop are news enough here.
    config |= {"retraining": {"min_users": 10, "max_metric_loss": 0.9}, "gate": {"last_blessed_margin": 0.9}}
    config["gate"] |= {"not_worse_than_item_item": None}
    config["data_gate"] = {"max_daily_ratio": None}
    shop.config.write_text(yaml.safe_dump(config))
    return shop


def newest(shop: Shop) -> int:
    found = 0
    for part in (shop.folder / "interactions").iterdir():
        with part.open(newline="") as file:
            found = max(found, *(int(row["timestamp"]) for row in csv.DictReader(file)))
    return found


def add(shop: Shop, rows: int, days: float, item: str | None = None) -> None:
    """Adds good ratings in the days after the newest event, a first one of one item by some users if it is given."""
    random, since = np.random.default_rng(rows), newest(shop)
    part = shop.folder / "interactions" / f"part-9{rows:04d}.csv"
    with part.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "rating", "timestamp"])
        for row in range(rows):
            chosen = item if item is not None and row % 10 == 0 else f"b{random.integers(ITEMS)}"
            writer.writerow([random.integers(USERS), chosen, 5, since + 1 + int(days * DAY * (row + 1) / rows)])


def add_item(shop: Shop, item: str) -> None:
    with (shop.folder / "items.csv").open("a", newline="") as file:
        csv.writer(file).writerow([item, "A new title", "genre1"])


def outputs(shop: Shop, place: str) -> list[Path]:
    """The folders of an output, oldest first."""
    return sorted((shop.home / "artifacts" / place).iterdir(), key=lambda folder: int(folder.name))


def run(shop: Shop) -> tuple[RetrainingReport, WarmStartReport, Path]:
    done = shop.forked("perennial", "run")
    assert done.returncode == 0, done.stdout + done.stderr
    decision = RetrainingReport.read(outputs(shop, "RetrainingCheck/decision")[-1])
    start = WarmStartReport.read(outputs(shop, "Trainer/model_run")[-1])
    return decision, start, outputs(shop, "Trainer/model")[-1]


@pytest.fixture(scope="module")
def first(shop: Shop) -> tuple[RetrainingReport, WarmStartReport, Path]:
    return run(shop)


@pytest.fixture(scope="module")
def small_news(shop: Shop, first: Any) -> tuple[RetrainingReport, WarmStartReport, Path]:
    add(shop, rows=120, days=1, item=NEW_ITEM)
    add_item(shop, NEW_ITEM)
    return run(shop)


@pytest.fixture(scope="module")
def second_night(shop: Shop, small_news: Any) -> tuple[RetrainingReport, WarmStartReport, Path]:
    add(shop, rows=100, days=2)
    return run(shop)


@pytest.fixture(scope="module")
def large_news(shop: Shop, second_night: Any) -> tuple[RetrainingReport, WarmStartReport, Path]:
    add(shop, rows=500, days=6)
    return run(shop)


def page(shop: Shop, number: int) -> str:
    return (shop.home / "reports" / f"{number}.html").read_text()


def test_first_run_trains_because_there_is_no_model(shop: Shop, first: Any) -> None:
    decision, start, model = first
    assert decision.is_due and decision.because == ("there is no blessed model yet",)
    assert start.is_trained
    assert Provenance.read(model / "Format-Serving").learned.model
    assert "Training was due: there is no blessed model yet." in page(shop, 1)


def test_small_news_are_taken_into_the_model_without_training(shop: Shop, first: Any, small_news: Any) -> None:
    decision, start, model = small_news
    assert not decision.is_due
    assert start.refreshed and not start.is_trained
    before, after = (Provenance.read(each / "Format-Serving") for each in (first[2], model))
    assert after.learned == before.learned == before.metrics
    assert after.data_digest != before.data_digest
    loaded = tf.saved_model.load(str(model / "Format-Serving"))
    page = loaded.signatures["catalogue"](offset=tf.constant([0], tf.int64), limit=tf.constant([1000], tf.int64))
    assert NEW_ITEM.encode() in page["item_id"].numpy()
    assert len(shop.versions) >= 2


def test_rules_say_what_was_measured(small_news: Any) -> None:
    decision, *_ = small_news
    rules = {rule.rule: rule for rule in decision.rules}
    assert set(rules) == {
        "max_age_days", "max_new_interactions", "max_new_items", "max_item_divergence", "max_metric_loss",
    }  # fmt: skip
    assert rules["max_age_days"].value == pytest.approx(1, abs=0.01)
    share = rules["max_new_interactions"]
    assert share.detail.startswith("120 of ") and share.value == pytest.approx(120 / 3300, rel=0.02)
    assert 1 / (ITEMS + 1) <= rules["max_new_items"].value < 0.05
    assert 0 < rules["max_item_divergence"].value < 0.02
    assert not any(rule.is_due for rule in decision.rules)
    assert decision.newest is not None
    # The newest interaction of each user is held out.
    assert 60 < decision.newest.users <= 120
    assert decision.newest.model.value is not None and decision.newest.learned is not None


def test_page_shows_the_limits_and_what_the_model_makes_of_the_news(shop: Shop, small_news: Any) -> None:
    text = re.sub(r"\s+", " ", page(shop, 2))
    assert "Training was not due: none of 5 limits is passed." in text
    assert "Nothing was learned in this run" in text
    assert "max new interactions" in text and "Today&#39;s popularity" in text


def test_second_refresh_is_compared_with_what_was_learned_and_not_with_the_first(first: Any, second_night: Any) -> None:
    decision, start, model = second_night
    assert start.refreshed
    rules = {rule.rule: rule for rule in decision.rules}
    assert rules["max_age_days"].value == pytest.approx(3, abs=0.01)
    assert (model / LEARNED_FOLDER / "gate.json").read_bytes() == (first[2] / DATA_FOLDER / "gate.json").read_bytes()


def test_large_news_are_learned_and_become_what_the_next_run_compares_with(shop: Shop, large_news: Any) -> None:
    decision, start, model = large_news
    assert decision.is_due and start.is_trained and start.is_warm
    passed = {rule.rule for rule in decision.rules if rule.is_due}
    assert {"max_age_days", "max_new_interactions"} <= passed
    assert len(decision.because) == len(passed)
    assert not (model / LEARNED_FOLDER).exists()
    provenance = Provenance.read(model / "Format-Serving")
    assert provenance.learned == provenance.metrics


def test_same_data_again_hands_the_model_on(shop: Shop, large_news: Any) -> None:
    _, start, _ = run(shop)
    assert start.unchanged


def test_other_config_is_learned_however_small_the_news(shop: Shop, large_news: Any) -> None:
    config = yaml.safe_load(shop.config.read_text())
    config["trainer"]["epochs"] = 5
    shop.config.write_text(yaml.safe_dump(config))
    decision, start, _ = run(shop)
    assert decision.because == ("the config is not that of the last blessed model",)
    assert start.is_trained
