"""`perennial recommend` and `perennial similar`: which model they ask, and what they say of the answer."""

import json
from collections.abc import Sequence
from pathlib import Path

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import pytest

from pipeline.commands import cli
from pipeline.store import models
from tests.pipeline.store.runs.history import History

POPULAR = "These are the most popular items: neither --user nor --history is given.\n"


class Model:
    """Stands for `models.LocalModel`: answers with its path, and keeps what it was asked."""

    def __init__(self, path: str) -> None:
        self.path = path

    def recommend(self, user: str | None, history: Sequence[str], k: int) -> list[models.Answer]:
        return [models.Answer(self.path, f"{user} {' + '.join(history)} [{k}]", 0.5)]

    def similar(self, item: str, k: int) -> list[models.Answer]:
        return [models.Answer(self.path, f"{item} [{k}]", 0.5)]


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "LocalModel", Model)


@pytest.fixture
def live(history: History) -> Path:
    """The newest pushed version."""
    version = history.serving / "1000"
    version.mkdir(parents=True)
    (version / "saved_model.pb").touch()
    return version


def _asked(history: History, capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[str, str, str]:
    """The path of the model that answered, what it was asked, and what stands on standard error."""
    assert cli.main([*argv, "--config", str(history.config), "--json"]) == 0
    out, err = capsys.readouterr()
    (answer,) = json.loads(out)
    return answer["item_id"], answer["title"], err


@pytest.mark.parametrize("k", ["0", "-3", "many", "1.5", "2147483648", "99999999999999999999"])
def test_similar_k_that_is_no_count_is_a_usage_error(k: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["similar", "Toy Story (1995)", "-k", k])
    assert f"argument -k: must be a whole number from 1 to 2147483647; received {k}" in capsys.readouterr().err


def test_similar_nothing_pushed_says_to_run_first(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    (history.serving / "17").mkdir(parents=True)  # a version that was never finished
    assert cli.main(["similar", "sku-1", "--config", str(history.config)]) == 1
    error = capsys.readouterr().err
    assert "run the pipeline first" in error
    assert error.endswith(" A model that the gate refused can be asked with --run.\n")


def test_recommend_newest_pushed_version_is_asked(
    history: History, live: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _asked(history, capsys, "recommend", "--user", "u") == (str(live), "u  [10]", "")
    assert _asked(history, capsys, "similar", "i", "-k", "3") == (str(live), "i [3]", "")


def test_recommend_history_is_split_at_commas_outside_quotes(
    history: History, live: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, asked, error = _asked(history, capsys, "recommend", "--history", '"Piano, The (1993)", 50')
    assert (asked, error) == ("None Piano, The (1993) + 50 [10]", "")


def test_recommend_neither_user_nor_history_says_that_it_lists_popularity(
    history: History, live: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _asked(history, capsys, "recommend")[2] == POPULAR
    assert cli.main(["recommend", "--config", str(history.config)]) == 0
    assert capsys.readouterr().err == POPULAR


def test_run_model_that_was_refused_is_asked(history: History, live: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = history.run()
    (made,) = run.node("Trainer", {"model": "Model"}, files={"Format-Serving/saved_model.pb": ""})
    run.node("RetrievalEvaluator", {"blessing": "ModelBlessing"}, custom_properties={"blessed": 0})
    path = f"{history.artifact(made).uri}/Format-Serving"
    for wanted in ("1", "latest", "run-1"):
        assert _asked(history, capsys, "recommend", "--user", "u", "--run", wanted)[0] == path
        assert _asked(history, capsys, "similar", "i", "--run", wanted)[0] == path


def test_run_that_is_none_is_reported(history: History, live: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history.run().node("Gen", {"examples": "Examples"})
    assert cli.main(["similar", "i", "--run", "2", "--config", str(history.config)]) == 1
    assert capsys.readouterr().err.startswith("RunError: no run '2': give a number from 1 to 1")
