from collections import Counter
from pathlib import Path

import pytest

from documents.replay_rounds import ReplayRounds, Round, RoundOutcome
from pipeline.commands.replay.rounds import _outcome
from pipeline.commands.replay.showing import page, table
from pipeline.store.runs.records import read_runs
from tests.documents.samples import METRICS, WARM_START, changed
from tests.pipeline.store.runs.history import NAME, History
from tests.shop import Shop


def _round(number: int, outcome: RoundOutcome, hit_rate: float | None, reason: str = "") -> Round:
    of_model = {"hit_rate@10": hit_rate, "ndcg@10": hit_rate, "recall@100": hit_rate}
    metrics = {"model": of_model, "popularity": of_model} if hit_rate is not None else {}
    return Round(
        number=number,
        events=1000 * number,
        newest=number,
        outcome=outcome,
        reason=reason,
        version=str(number) if outcome == "pushed" else None,
        warm=number > 1,
        metrics=metrics,
        train_seconds=None if outcome == "stopped" else 2.5,
        seconds=30.0,
    )


ROUNDS = [
    _round(1, "pushed", 0.25),
    _round(2, "refused", 0.125, "the floor is <b>0.2</b>"),
    _round(3, "stopped", None, "DriftError: half of the catalogue is gone"),
]


def test_page_tells_each_round_and_escapes_reasons() -> None:
    text = page("shop", ROUNDS)
    assert "1 of 3 rounds pushed a model" in text
    assert "the floor is &lt;b&gt;0.2&lt;/b&gt;" in text
    assert "DriftError: half of the catalogue is gone" in text
    assert text.count("<svg") == 4
    assert "http" not in text.replace("http://www.w3.org", "")


def test_table_has_a_row_for_each_round() -> None:
    assert table(ROUNDS).row_count == 3


def test_page_round_stopped_after_its_push_says_by_what() -> None:
    stopped = changed(_round(1, "pushed", 0.25), outcome="stopped", reason="RuntimeError: no page")
    assert "RuntimeError: no page" in page("shop", [stopped])


def test_outcome_of_a_model_handed_on_has_no_training(history: History) -> None:
    handed_on = changed(WARM_START, unchanged=True, cold_start_because=None)
    for warm_start in (WARM_START, handed_on):
        history.run().node("Trainer", {"model_run": "ModelRun"}, documents=[METRICS, warm_start])
    runs = read_runs(history.metadata_path, NAME)
    assert [_outcome(run, "")["train_seconds"] for run in runs] == [METRICS.epochs[0].train_seconds, None]


@pytest.mark.e2e
def test_replay_shop_three_rounds_each_ends_pushed_or_refused_and_later_ones_start_warm(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    done = shop.forked("perennial", "replay", "--config", str(shop.config), "--rounds", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    home = tmp_path / "runs" / "replay" / "shop"
    rounds = ReplayRounds.read(home).rounds
    assert [one.events for one in rounds] == [4_000, 8_000, 12_000]
    assert rounds[0].outcome == "pushed", done.stdout
    assert not rounds[0].warm
    for one in rounds[1:]:
        assert one.outcome == "pushed" or (one.outcome == "refused" and one.reason), done.stdout
        assert one.warm
    pushed = [one.version for one in rounds if one.outcome == "pushed"]
    served = [folder.name for folder in (home / "serving").iterdir() if folder.name.isdigit()]
    assert Counter(pushed) == Counter(served)
    assert f"{len(pushed)} of 3 rounds pushed a model" in (home / "replay.html").read_text()
    assert not (tmp_path / "runs" / "shop").exists()  # the pipeline's own folder is not touched
