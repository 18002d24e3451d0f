"""A model process that is started again when it ends by itself."""

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from service.backends.backend import BackendUnavailableError
from service.backends.local import model_processes
from service.versions import restarting
from service.versions.restarting import RestartingModel
from tests import forked

pytestmark = pytest.mark.e2e

SECONDS = 120.0
"""For what must come; a busy machine takes long."""

ITEMS = {"item_id": np.array([b"i3"], object)}


def test_process_killed_is_started_again_without_a_pause_and_requests_fail_at_once_until_then(
    model_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        processes = model_processes()
        model = await RestartingModel.start(processes, Path(model_folder), 7, timeout_seconds=SECONDS)
        first = model.pid
        os.kill(first, signal.SIGKILL)
        while model._model is not None:
            await asyncio.sleep(0)
        with pytest.raises(BackendUnavailableError, match="version 7 is being started again"):
            await model.predict("embed_items", ITEMS, timeout_seconds=SECONDS)
        while model._model is None:
            await asyncio.sleep(0.001)
        assert model.pid != first
        answer = await model.predict("embed_items", ITEMS, timeout_seconds=SECONDS)
        assert answer["known"].tolist() == [True]
        await model.close()
        await processes.close()

    monkeypatch.setattr(restarting, "_SHORTEST_PAUSE_SECONDS", 10 * SECONDS)
    monkeypatch.setattr(sys, "executable", forked.python())
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        asyncio.run(asyncio.wait_for(go(), 2 * SECONDS))
        assert list(Path(folder).iterdir()) == []
