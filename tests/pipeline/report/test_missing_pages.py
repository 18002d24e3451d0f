"""Runs that were killed, and the pages that the next run gives them."""

from collections.abc import Callable

import pytest

from configs.load import load_config
from configs.pipeline import PipelineConfig
from pipeline.runners import local
from tests.pipeline.store.runs.history import History, RunWriter


@pytest.fixture
def config(history: History) -> PipelineConfig:
    with history.config.open("a") as file:
        file.write("runs: {keep: 3}\n")
    return load_config(history.config)


@pytest.fixture
def runs_with(history: History, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[RunWriter], None]], None]:
    """Makes `local.run` do what it is given in place of a pipeline."""

    def set_up(work: Callable[[RunWriter], None]) -> None:
        class Runner:
            def run(self, _: object, **__: object) -> None:
                work(history.run(outcome=None))

        monkeypatch.setattr(local, "create_pipeline", lambda *_, **__: None)
        monkeypatch.setattr(local, "LocalDagRunner", Runner)
        monkeypatch.setattr(local, "show_places", lambda *_: None)

    return set_up


def _complete(run: RunWriter) -> None:
    run.node("InteractionGen", {"examples": "Examples"})


def _killed(run: RunWriter) -> None:
    _complete(run)
    run.node("Trainer", {"model": "Model"}, state="RUNNING")


def _interrupted(run: RunWriter) -> None:
    _killed(run)
    raise KeyboardInterrupt


def test_run_after_kills_writes_the_pages_that_are_missing_of_those_kept(
    config: PipelineConfig,
    history: History,
    runs_with: Callable[..., None],
) -> None:
    runs_with(_complete)
    for _ in range(4):
        _killed(history.run(outcome=None))
    pages = history.home / "reports"
    pages.mkdir()
    (pages / "3.html").write_text("written before")
    local.run(config)
    assert sorted(page.name for page in pages.iterdir()) == ["3.html", "4.html", "5.html"]
    assert (pages / "3.html").read_text() == "written before"
    assert "<h1>Killed in Trainer</h1>" in (pages / "4.html").read_text()


def test_run_interrupted_has_the_page_of_a_killed_one(
    config: PipelineConfig,
    history: History,
    runs_with: Callable[..., None],
) -> None:
    runs_with(_interrupted)
    with pytest.raises(KeyboardInterrupt):
        local.run(config)
    page = (history.home / "reports" / "1.html").read_text()
    assert "<h1>Killed in Trainer</h1>" in page
    assert "KeyboardInterrupt" not in page
