"""The search as a whole, with models that are really fitted."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.models import AnyModel, Ials, Popularity
from documents.tuning import Trial, TuningReport
from tests.trainer.tuning.worlds import ITEMS, blurred, ring, search
from tests.trainer.worlds import interactions_of
from trainer.tuning.journal import Journal
from trainer.tuning.search import Search

IALS = Ials(embedding_dim=4, iterations=5, ordered_history=True, eval_top_k=(5,))


def without_times(report: TuningReport) -> dict[str, Any]:
    values = report.model_dump(exclude={"seconds"})
    return values | {"trials": [{**trial, "seconds": 0} for trial in values["trials"]]}


def test_search_takes_what_is_better_beyond_chance(tmp_path: Path) -> None:
    found = search(tmp_path, blurred()).run()
    report = found.report
    first, best = report.trials[0], report.trials[(report.best or 0) - 1]
    assert (report.kind, report.metric, report.users) == ("item_item", "ndcg@5", 91)
    assert first.origin == "config" and first.values["gap_decay"] == 1.0
    assert first.score is not None and best.score is not None and best.score > first.score + 0.1
    assert report.difference is not None
    assert report.difference.value == pytest.approx(best.score - first.score, abs=1e-6)
    assert 0 < report.difference.low < report.difference.value < report.difference.high
    assert report.is_taken and found.values == best.values


def test_search_config_that_cannot_be_beaten_stays(tmp_path: Path) -> None:
    # Without jumps, the next item on the ring is the first of the list with any settings.
    found = search(tmp_path, blurred(), ring(jumps=0)).run()
    assert found.report.trials[0].score == 1.0
    assert (found.report.best, found.report.difference, found.report.is_taken) == (1, None, False)
    assert found.values == found.report.trials[0].values


def test_search_does_not_look_at_the_eval_split(tmp_path: Path) -> None:
    data = ring()
    rng = np.random.default_rng(1)
    histories = [rng.integers(0, ITEMS, 3).tolist() for _ in range(50)]
    other = dataclasses.replace(data, held_out=interactions_of(histories, [["3"]] * 50))
    reports = [search(tmp_path, blurred(), each).run().report for each in (data, other)]
    assert without_times(reports[0]) == without_times(reports[1])


@pytest.mark.parametrize("settings", [blurred(), IALS], ids=lambda each: each.kind)
def test_search_with_one_seed_repeats_itself_and_with_another_does_not(tmp_path: Path, settings: AnyModel) -> None:
    one, two, other = (without_times(search(tmp_path, settings, seed=seed).run().report) for seed in (3, 3, 4))
    assert one == two
    assert [trial["values"] for trial in one["trials"][1:]] != [trial["values"] for trial in other["trials"][1:]]


def test_search_hopeless_trials_end_at_a_rung_and_the_configs_never_does(tmp_path: Path) -> None:
    report = search(tmp_path, IALS, max_trials=9).run().report
    ends = {(trial.state, len(trial.epochs)) for trial in report.trials}
    assert ends == {("complete", 5), ("stopped", 2)}
    assert report.trials[0].state == "complete"
    stopped = [trial.epochs[1] for trial in report.trials if trial.state == "stopped"]
    assert max(stopped) <= max(trial.epochs[1] for trial in report.trials if trial.state == "complete")


def test_search_model_without_settings_to_search_is_tried_once(tmp_path: Path) -> None:
    found = search(tmp_path, Popularity(eval_top_k=(5,))).run()
    assert [trial.origin for trial in found.report.trials] == ["config"]
    assert found.values == {}


def test_search_second_trial_is_what_the_last_search_found(tmp_path: Path) -> None:
    begun = search(tmp_path, blurred(), max_trials=3)
    last = begun._configured | {"gap_decay": 0.75}
    again = Search(
        ring(), blurred(), "everything", begun._limits, Journal(None), {"gap_decay": 0.75}, str(tmp_path)
    ).run()
    assert [trial.origin for trial in again.report.trials][:2] == ["config", "last search"]
    assert again.report.trials[1].values == last


def test_search_out_of_time_ends_a_trial_at_an_epoch_and_says_so(tmp_path: Path) -> None:
    found = search(tmp_path, IALS, max_seconds=1e-3).run()
    (only,) = found.report.trials
    assert (only.state, only.score, len(only.epochs)) == ("out of time", None, 1)
    assert (found.report.best, found.report.is_taken) == (None, False)
    assert found.values == only.values  # the config's


def test_search_without_epochs_begins_no_trial_that_would_end_too_late(tmp_path: Path) -> None:
    begun = search(tmp_path, blurred(), max_seconds=10)
    now = iter(range(0, 1000, 2))  # each look at the clock is two seconds later
    begun._clock = lambda: float(next(now))
    report = begun.run().report
    assert all(trial.state == "complete" for trial in report.trials)
    assert 1 <= len(report.trials) < 4


def test_search_begins_no_trial_whose_first_epoch_would_end_too_late(tmp_path: Path) -> None:
    values = search(tmp_path, IALS)._configured
    state: dict[str, Any] = {"origin": "config", "values": values, "state": "complete", "score": 0.5}
    done = Trial(number=1, epochs=(0.4, 0.5, 0.5), seconds=9.0, **state)
    Journal(str(tmp_path / "trials")).add(done, np.full(91, 0.5))
    report = search(tmp_path, IALS, journal=tmp_path / "trials", max_seconds=11.5).run().report
    assert report.trials == (done,)
    more = search(tmp_path, IALS, journal=tmp_path / "trials", max_seconds=60, max_trials=2).run().report
    assert len(more.trials) == 2


def test_search_failing_trials_are_recorded_and_do_not_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from common.errors import TrainingError
    from trainer.models.item_item import fit

    fitted, calls = fit.fit, iter(range(100))

    def fails_at_times(*arguments: Any) -> Any:
        if next(calls) in (1, 2):
            raise TrainingError("The loss of epoch 1 is nan: training diverged.")
        return fitted(*arguments)

    monkeypatch.setattr(fit, "fit", fails_at_times)
    report = search(tmp_path, blurred()).run().report
    assert [trial.state for trial in report.trials[:4]] == ["complete", "failed", "failed", "complete"]
    assert report.trials[1].error == "The loss of epoch 1 is nan: training diverged."
    assert report.is_taken and len(report.trials) == 8


class Killed(Exception):
    """The process ends here."""


class Killing(Journal):
    """Ends the process after a trial."""

    def add(self, trial: Trial, by_user: Any) -> None:
        super().add(trial, by_user)
        if trial.number == 3:
            raise Killed


@pytest.mark.fault
@pytest.mark.parametrize("settings", [blurred(), IALS], ids=lambda each: each.kind)
def test_search_that_was_killed_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path, settings: AnyModel) -> None:
    whole = search(tmp_path, settings).run()
    killed = search(tmp_path, settings)
    killed._journal = Killing(str(tmp_path / "trials"))
    with pytest.raises(Killed):
        killed.run()
    written = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "trials").iterdir()}
    resumed = search(tmp_path, settings, journal=tmp_path / "trials").run()
    assert without_times(resumed.report) == without_times(whole.report)
    assert resumed.values == whole.values
    left = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "trials").iterdir()}
    assert written.items() <= left.items() and len(left) > len(written)


@pytest.mark.fault
def test_search_trial_of_which_half_was_written_is_made_again(tmp_path: Path) -> None:
    whole = search(tmp_path, blurred(), journal=tmp_path / "trials").run()
    (tmp_path / "trials" / "trial-0005.json").write_text('{"number": 5, "orig')
    (tmp_path / "trials" / "trial-0007.npy").unlink()
    again = search(tmp_path, blurred(), journal=tmp_path / "trials").run()
    assert without_times(again.report) == without_times(whole.report)
    assert json.loads((tmp_path / "trials" / "trial-0005.json").read_text())["number"] == 5


def test_search_with_a_larger_budget_keeps_what_is_done(tmp_path: Path) -> None:
    few = search(tmp_path, blurred(), journal=tmp_path / "trials", max_trials=3).run().report
    more = search(tmp_path, blurred(), journal=tmp_path / "trials", max_trials=5).run().report
    assert more.trials[:3] == few.trials
    assert len(more.trials) == 5


def test_search_time_before_an_interruption_counts(tmp_path: Path) -> None:
    done = search(tmp_path, IALS, journal=tmp_path / "trials", max_trials=2).run().report
    again = search(tmp_path, IALS, journal=tmp_path / "trials", max_seconds=done.seconds).run().report
    assert again == done


@pytest.mark.fault
def test_journal_on_an_object_store_is_read_again(gs: Any, tmp_path: Path) -> None:
    trial = Trial(number=1, origin="config", values={"a": 1}, state="complete", score=0.5, epochs=(0.5,), seconds=1.0)
    Journal("gs://bucket/tuning").add(trial, np.array([0.25, np.nan]))
    read = Journal("gs://bucket/tuning")
    assert read.trials == [trial]
    np.testing.assert_array_equal(read.by_user(1), [0.25, np.nan])
