"""The page as a browser shows it: wide and narrow, dark and light."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests import browser
from tests.browser import Scheme, opened

pytestmark = pytest.mark.browser

PAGES = ("pushed", "refused", "failed", "replay")
WIDE, NARROW = 1280, 390
MIN_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3, for text of usual size."""

MEASURE = """(() => {
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [], small = [], outside = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    const box = element.getBoundingClientRect();
    if (!own || !box.width || element.closest("script, style, .hidden")) continue;
    const style = getComputedStyle(element), inSvg = element.namespaceURI.endsWith("svg");
    const [a, b] = [numbers(inSvg ? style.fill : style.color), behind(element)].map(luminance).sort();
    const contrast = (b + 0.05) / (a + 0.05), text = element.textContent.trim().slice(0, 40);
    if (contrast < MIN_CONTRAST) faint.push([text, contrast]);
    const scale = inSvg ? element.ownerSVGElement.getBoundingClientRect().width
      / element.ownerSVGElement.viewBox.baseVal.width : 1;
    if (parseFloat(style.fontSize) * scale < 7) small.push(text);
    if (inSvg) {
      const chart = element.ownerSVGElement.getBoundingClientRect();
      if (box.left < chart.left - 1 || box.right > chart.right + 1) outside.push(text);
    }
  }
  const root = document.documentElement;
  return {width: root.clientWidth, scroll: root.scrollWidth, faint, small, outside,
          charts: document.querySelectorAll("svg").length};
})()""".replace("MIN_CONTRAST", str(MIN_CONTRAST))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.browser() as started:
        yield started


@pytest.fixture(scope="module")
def files(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", PAGES)
def test_page_no_sideways_scrolling_and_every_text_legible(
    chromium: Browser, files: dict[str, Path], name: str, width: int, scheme: Scheme
) -> None:
    with opened(chromium, files[name], width, 1000, scheme) as page:
        found: dict[str, Any] = page.evaluate(MEASURE)
    assert found["width"] == width
    assert found["scroll"] == width
    assert found["charts"] >= 3
    assert found["faint"] == []
    assert found["small"] == []
    assert found["outside"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", PAGES)
def test_page_screenshot_shows_charts_on_the_scheme_s_paper(
    chromium: Browser, files: dict[str, Path], name: str, width: int, scheme: Scheme
) -> None:
    with opened(chromium, files[name], width, 6000, scheme) as page:
        image = page.screenshot()
    rgb = np.asarray(Image.open(io.BytesIO(image)).convert("RGB")).astype(np.int64)
    pixels = (rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]).ravel()
    times = np.bincount(pixels, minlength=1 << 24)
    assert times.argmax() == {"light": 0xFBFAF7, "dark": 0x14161A}[scheme]  # the paper
    assert times.max() < 0.97 * len(pixels)  # not blank
    # A chart's colour in its full strength, which only a drawn chart has: bars, dots or boxes.
    assert times[{"light": 0x1A63DA, "dark": 0x6EA8FF}[scheme]] > 300
