"""The page as a browser shows it: wide and narrow, dark and light."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from tests.browser import Scheme, measured, screenshot

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
def files(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", PAGES)
def test_page_no_sideways_scrolling_and_every_text_legible(
    files: dict[str, Path], tmp_path: Path, name: str, width: int, scheme: Scheme
) -> None:
    found: dict[str, Any] = measured(files[name], MEASURE, tmp_path, width, scheme)
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
    files: dict[str, Path], tmp_path: Path, name: str, width: int, scheme: Scheme
) -> None:
    image = tmp_path / f"{name}.png"
    screenshot(files[name], image, width, 2400, scheme)
    pixels = np.asarray(Image.open(image).convert("RGB")).reshape(-1, 3)
    colours, times = np.unique(pixels, axis=0, return_counts=True)
    paper = {"light": (0xFB, 0xFA, 0xF7), "dark": (0x14, 0x16, 0x1A)}[scheme]
    assert tuple(cast("list[int]", colours[times.argmax()].tolist())) == paper
    assert times.max() < 0.97 * len(pixels)  # not blank
    model = {"light": (0x1A, 0x63, 0xDA), "dark": (0x6E, 0xA8, 0xFF)}[scheme]
    # A chart's colour in its full strength, which only a drawn chart has: bars, dots or boxes.
    assert np.count_nonzero((pixels == model).all(axis=1)) > 300
