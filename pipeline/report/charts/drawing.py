"""Turns a matplotlib figure into an `<svg>` element that takes its colours and fonts from the page.

matplotlib writes colours as hexadecimal digits. The charts use one placeholder colour for each of the page's CSS
variables, and the placeholders are replaced when the figure is written. Text stays text, so that it is sharp,
searchable and can be read aloud.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

VARIABLES = (
    "ink",
    "soft",
    "line",
    "paper",
    "model",
    "popularity",
    "recent-popularity",
    "item-item",
    "last-blessed",
    "good",
    "bad",
    "warn",
    "faint",
)
"""CSS variables that a chart may use; `style.css` gives each of them a value for dark and for light."""

COLOURS = {name: f"#0101{index + 1:02x}" for index, name in enumerate(VARIABLES)}
"""The placeholder colour of each CSS variable in a figure."""

WIDTH = 4.6
"""Width of a chart in inches. At 72 points an inch it is about as wide as a phone, so that text is not scaled down."""

_STYLE = {
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.edgecolor": COLOURS["line"],
    "axes.labelcolor": COLOURS["soft"],
    "axes.titlecolor": COLOURS["ink"],
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "grid.color": COLOURS["line"],
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.labelcolor": COLOURS["ink"],
    "text.color": COLOURS["ink"],
    "text.parse_math": False,
    "xtick.bottom": False,
    "xtick.color": COLOURS["line"],
    "xtick.labelcolor": COLOURS["soft"],
    "ytick.color": COLOURS["line"],
    "ytick.labelcolor": COLOURS["ink"],
    "ytick.left": False,
}

_FONT_FAMILY = re.compile(r"font-family: [^;\"]*;? ?")
_FONT = re.compile(r"font: (?:(bold|700) )?([\d.]+)px [^;\"]*")
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


class Canvas:
    """A figure that is being drawn."""

    def __init__(self, name: str, height: float, width: float) -> None:
        """Starts a figure of `width` by `height` inches."""
        self.name = name
        self.figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(self.figure)
        self.svg = ""

    def axes(self, rows: int = 1, columns: int = 1, **options: Any) -> Any:
        """Creates the axes: one, or an array of them."""
        return self.figure.subplots(rows, columns, **options)


@contextmanager
def canvas(name: str, description: str, height: float, width: float = WIDTH) -> Iterator[Canvas]:
    """Opens a figure to draw on; when the block ends, its `svg` is set.

    Args:
        name: The chart's name, unique on a page: it makes the ids of its elements unique.
        description: What the chart shows, for people who cannot see it.
        height: Inches.
        width: Inches.

    Yields:
        The canvas.
    """
    # With a fixed hash salt and without a date, the same figure always gives the same text.
    style: Any = {**_STYLE, "svg.hashsalt": name}
    with matplotlib.rc_context(style):
        drawn = Canvas(name, height, width)
        yield drawn
        layout = drawn.figure.get_layout_engine()
        assert layout is not None
        layout.execute(drawn.figure)
        drawn.figure.set_layout_engine(None)  # otherwise savefig draws twice, the first time for the layout alone
        text = io.StringIO()
        drawn.figure.savefig(text, format="svg", metadata=_NO_METADATA)
        drawn.svg = _for_page(text.getvalue(), name, description, width)


def _for_page(svg: str, name: str, description: str, width: float) -> str:
    """Returns only the `<svg>` element, with the page's colours and fonts, and without unused ids."""
    svg = svg[svg.index("<svg") :]
    used = set(re.findall(r"#([A-Za-z_][\w.-]*)\"", svg)) | set(re.findall(r"url\(#([\w.-]+)\)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r'xlink:href="#', f'href="#{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    for variable, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{variable})")
    svg = _FONT.sub(lambda m: f"font-weight: {'600' if m[1] else '400'}; font-size: {m[2]}px", svg)
    svg = _FONT_FAMILY.sub("", svg)
    svg = re.sub(r"\n\s*", "\n", svg)
    view_box = re.search(r'viewBox="([^"]*)"', svg)
    assert view_box is not None  # matplotlib writes one
    head = (
        f'<svg viewBox="{view_box[1]}" role="img" aria-label="{escape(description, quote=True)}" '
        f'style="max-width: {width * 96:.0f}px">'
    )
    return head + svg[svg.index(">") + 1 :].strip()
