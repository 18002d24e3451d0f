"""Runs a headless Chromium for tests: takes screenshots of a page, and evaluates scripts in it."""

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any, Literal

import pytest

Scheme = Literal["light", "dark"]

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)
_PREFERRED = {"dark": 0, "light": 1}
"""Blink's numbers for prefers-color-scheme."""

_SECONDS = 120


def chromium() -> str:
    """The path of the browser; skips the test if there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return found


def screenshot(page: Path, image: Path, width: int, height: int, scheme: Scheme) -> None:
    """Writes a screenshot of the page as PNG."""
    _run(page, width, height, scheme, f"--screenshot={image}", image.parent)
    assert image.exists()


def measured(page: Path, script: str, folder: Path, width: int, scheme: Scheme) -> Any:
    """The value of a JavaScript expression in the page, which is shown in a frame of this width, as on Vertex.

    A frame is needed because a window cannot be narrower than 500 pixels.
    """
    frame = f'<iframe srcdoc="{escape(page.read_text(encoding="utf-8"))}" style="border: 0; width: {width}px"></iframe>'
    measure = f"document.querySelector('iframe').contentWindow.eval({json.dumps(script)})"
    outer = folder / f"frame-{page.name}"
    outer.write_text(
        "<!DOCTYPE html><meta name='color-scheme' content='light dark'><body>"
        f"<script>onload = () => {{ document.body.dataset.measured = JSON.stringify({measure}); }}</script>"
        f"{frame}</body>",
        encoding="utf-8",
    )
    dom = _run(outer, width + 100, 1000, scheme, "--dump-dom", folder)
    found = re.search(r'<body[^>]* data-measured="([^"]*)"', dom)
    assert found is not None, dom[-500:]
    return json.loads(unescape(found[1]))


def _run(page: Path, width: int, height: int, scheme: Scheme, what: str, folder: Path) -> str:
    done = subprocess.run(
        [
            chromium(),
            *_FLAGS,
            f"--user-data-dir={folder / f'profile-{width}-{scheme}'}",
            f"--blink-settings=preferredColorScheme={_PREFERRED[scheme]}",
            f"--window-size={width},{height}",
            what,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
