"""Shows charts and tables in a notebook in the style of the report, without loading anything from a network."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from importlib import resources
from typing import Any

from pipeline.report.numbers import MISSING, significant

_MAX_CHARACTERS = 200
"""Longest text in a cell of a table."""


class Html:
    """HTML that a notebook shows; tests read its `html`."""

    def __init__(self, html: str) -> None:
        """Holds HTML in which all text is escaped already."""
        self.html = html

    def _repr_html_(self) -> str:
        return f"<style>{_style()}</style><div class='perennial'>{self.html}</div>"


def charts(*svgs: str) -> Html:
    """Shows charts of `pipeline.report.charts`, side by side if the page is wide enough."""
    return Html('<div class="charts wide">' + "".join(f"<figure>{svg}</figure>" for svg in svgs if svg) + "</div>")


def table(rows: Sequence[Mapping[str, Any]], caption: str = "") -> Html:
    """Shows a table; its columns are the first row's keys, and numbers are aligned to the right.

    Args:
        rows: Values by column.
        caption: What the table shows.
    """
    if not rows:
        return text(f"{caption}: no rows." if caption else "No rows.")
    columns = list(rows[0])
    numeric = {column: all(_is_number(row[column]) or row[column] is None for row in rows) for column in columns}
    head = "".join(f"<th scope='col'{_right(numeric[c])}>{escape(c)}</th>" for c in columns)
    body = "".join(
        "<tr>" + "".join(f"<td{_right(numeric[c])}>{_cell(row[c])}</td>" for c in columns) + "</tr>" for row in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return Html(f"<div class='scroll'><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")


def text(*lines: str) -> Html:
    """Shows plain lines of text."""
    return Html("".join(f"<p>{escape(line)}</p>" for line in lines))


@lru_cache
def _style() -> str:
    """Returns the report's style, nested in a class of its own so that it changes nothing else in the notebook."""
    style = resources.files("pipeline.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    # The machine's theme decides between dark and light, but the notebook may have another: set the background too.
    own = "background: var(--paper); color: var(--ink); padding: 1rem; font: 15px/1.45 sans-serif;"
    return f".perennial {{ {own} {style.replace(':root', '&')} }}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _right(numeric: bool) -> str:
    return " class='number'" if numeric else ""


def _cell(value: Any) -> str:
    if value is None:
        return MISSING
    if _is_number(value):
        return f"{value:,}" if isinstance(value, int) else significant(value)
    shown = str(value)
    return escape(shown if len(shown) <= _MAX_CHARACTERS else f"{shown[: _MAX_CHARACTERS - 1]}…")
