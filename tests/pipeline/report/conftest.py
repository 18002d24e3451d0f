"""Fixtures: pages of hand-made runs and of a replay, built once."""

import pytest

from pipeline.commands.replay import showing
from pipeline.report.page import build_page
from tests.pipeline.report import worlds
from tests.pipeline.store.runs.conftest import history

__all__ = ["history"]


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """Pages by the names of their runs in `worlds`, and the page `replay`."""
    runs = {make.__name__: build_page(make()) for make in (worlds.pushed, worlds.refused, worlds.failed)}
    return {**runs, "replay": showing.page("movietweetings", worlds.rounds())}
