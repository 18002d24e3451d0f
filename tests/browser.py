"""Opens pages in a headless Chromium for tests."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

Scheme = Literal["light", "dark"]


def chromium() -> str:
    """The path of the browser; skips the test if there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return found


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Starts a browser, and ends it with the block.

    While it runs, asyncio has a running loop in this thread; so it is for one file of tests, not for all of them.
    """
    path = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@contextlib.contextmanager
def opened(browser: Browser, file: Path, width: int, height: int, scheme: Scheme) -> Iterator[Page]:
    """Opens a file in a window of this size. Requests to other places fail, and errors of the page fail the test."""
    with browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, offline=True) as context:
        page, errors = context.new_page(), list[str]()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(file.as_uri())
        yield page
        assert errors == []
