"""Guesses the columns of a catalogue: id, title and features."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.errors import DataError
from pipeline.commands.init import words
from pipeline.commands.init.guess_log import filled, overlap
from pipeline.commands.init.heads import Head
from pipeline.commands.init.notes import Note

_NEARLY_ALL = 0.9
_LEAST_FILLED = 0.05
"""The share of items that a feature must have."""

_MOST_CATEGORIES = 0.6
"""The most different categories, as a share of the items."""

_CATEGORY_SEPARATORS = ("|", ";", ",", "/")
_ID_ENDINGS = ("id", "isbn", "isbn10", "isbn13", "ean", "upc", "asin", "sku", "code", "key")
_YEAR = r"\((\d{4})\)"
_SIGNS = re.compile(
    r"^\s*([^\d\s.,+-]{0,3}[^\w\s.,+-]|[A-Z]{3}|[^\W\d_]{1,4}(?=\s))\s*(?=[\d.,+-])"
    r"|(?<=[\d.,])\s*([^\d\s.,]{1,4})\s*$"
)
"""A sign of a currency or unit before a number, or after it; the letters of a code such as XL1 are none."""

_SIGNS_FIELD = "number_signs"

_LINK = re.compile(r"https?://|www\.")
_DATE = re.compile(r"\d{1,4}[-/.](\d{1,2}|[A-Za-z]{3})[-/.]\d{1,4}\b.*")


@dataclass
class CatalogueGuess:
    """The columns of a catalogue."""

    item_id: int
    title: int | None = None
    features: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name, as in the config."""

    notes: dict[str, Note] = field(default_factory=dict)
    """What is said about id, title, features, and fields of `format`."""

    format: dict[str, Any] = field(default_factory=dict)
    """Further fields of `format`: how numbers are written."""

    marks: dict[str, str] = field(default_factory=dict)
    """`decimal` and `thousands` as the numbers so far show them; one config has one of each."""

    left_out: dict[str, str] = field(default_factory=dict)
    """Column to the reason why it is no feature."""


def guess(catalogue: Head, items: set[str]) -> CatalogueGuess:
    """Guesses the columns of a catalogue.

    Args:
        catalogue: Its beginning.
        items: Ids of the log's items.

    Raises:
        DataError: No column can be the id.
    """
    found = CatalogueGuess(_find_id(catalogue, items))
    share = overlap(items, catalogue, found.item_id)
    beginning = "" if catalogue.is_whole else f" among the {catalogue.rows:,} items that were looked at"
    found.notes["item_id"] = Note(
        f"each value occurs once; {share:.0%} of the log's items are there{beginning}",
        is_sure=share >= 0.5,
        otherwise=" or ".join(catalogue.label(place) for place in _unique(catalogue) if place != found.item_id)
        or "a column with the ids of the log",
    )
    _find_title(catalogue, found)
    _find_features(catalogue, found)
    return found


def _unique(catalogue: Head) -> list[int]:
    return [
        place
        for place, cells in enumerate(catalogue.columns)
        if len(set(cells)) >= 0.99 * len(cells) and len(filled(cells)) >= _NEARLY_ALL * len(cells)
    ]


def _find_id(catalogue: Head, items: set[str]) -> int:
    candidates = _unique(catalogue)
    if not candidates:
        raise DataError(
            f"{catalogue.files[0]}: no column has a value of its own for each item, so none is the id. Is it the "
            "right file?"
        )
    known = {name: rank for rank, name in enumerate(("id", *words.ITEM))}

    def order(place: int) -> tuple[float, int, int]:
        name = words.plain(catalogue.name(place) or "")
        return -round(overlap(items, catalogue, place), 2), known.get(name, len(known)), place

    return min(candidates, key=order)


def _find_title(catalogue: Head, found: CatalogueGuess) -> None:
    others = [place for place in range(len(catalogue.columns)) if place != found.item_id]
    if catalogue.names is not None:
        names = {place: words.plain(catalogue.name(place) or "") for place in others}
        named = [place for place in others if names[place] in words.TITLE]
        named += [place for place in others if place not in named and "title" in names[place]]
        if named:
            found.title = min(named, key=lambda place: _title_order(names[place]))
            found.notes["title"] = Note(f"such as {words.shown(filled(catalogue.columns[found.title]), 2)}")
            return
    texts = [place for place in others if _is_text(catalogue.columns[place])]
    if texts:
        found.title = texts[0]
        found.notes["title"] = Note(
            f"the first column of texts, such as {words.shown(filled(catalogue.columns[found.title]), 2)}",
            is_sure=False,
            otherwise=" or ".join(map(catalogue.label, texts[1:])) or "none: leave title out",
        )


def _title_order(name: str) -> int:
    return words.TITLE.index(name) if name in words.TITLE else len(words.TITLE)


def _is_text(cells: Sequence[str]) -> bool:
    seen = filled(cells)
    if not seen or sum(map(words.is_number, seen)) > len(seen) / 2 or _share(seen, _LINK) > 0.5:
        return False
    return (
        len(set(seen)) > len(seen) / 2
        and sum(any(letter.isalpha() for letter in cell) for cell in seen) > len(seen) / 2
    )


def _share(cells: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.match(cell) is not None for cell in cells) / len(cells)


def _find_features(catalogue: Head, found: CatalogueGuess) -> None:
    if found.title is not None:
        titles = filled(catalogue.columns[found.title])
        column = catalogue.column(found.title)
        _add(found, "title_words", {"kind": "text", "column": column}, Note("the words of the title"))
        years = sum(re.search(_YEAR, title) is not None for title in titles)
        if titles and years > len(titles) / 2:
            note = Note(f"{years / len(titles):.0%} of the titles have a year in brackets")
            _add(found, "title_year", {"kind": "number", "column": column, "pattern": _YEAR}, note)
    flags = _flags(catalogue, found)
    if flags:
        given = {catalogue.name(place) or f"column_{place}": catalogue.column(place) for place in flags}
        note = Note(
            f"{len(flags)} columns hold 0 and 1 alone",
            is_sure=catalogue.names is not None,
            otherwise="a name for each flag in place of column_…",
        )
        _add(found, "flags", {"kind": "category", "flags": given}, note)
    for place, cells in enumerate(catalogue.columns):
        if place not in (found.item_id, found.title, *flags):
            _find_feature(catalogue, place, filled(cells), found)


def _flags(catalogue: Head, found: CatalogueGuess) -> list[int]:
    flags = [
        place
        for place, cells in enumerate(catalogue.columns)
        if place not in (found.item_id, found.title) and set(cells) <= {"0", "1"} and "1" in cells
    ]
    return flags if len(flags) > 2 else []


def _find_feature(catalogue: Head, place: int, cells: list[str], found: CatalogueGuess) -> None:
    label = catalogue.label(place)
    column = catalogue.column(place)
    name = _feature_name(catalogue, place)
    kinds = Counter(cells)
    if len(cells) < _LEAST_FILLED * catalogue.rows:
        found.left_out[label] = f"{len(cells):,} of {catalogue.rows:,} items have it" if cells else "is empty"
    elif len(kinds) == 1:
        found.left_out[label] = f"has one value alone, {words.shown(cells[:1])}"
    elif _share(cells, _LINK) > 0.5:
        found.left_out[label] = "holds links"
    elif catalogue.types.get(place) == "time" or _share(cells, _DATE) > _NEARLY_ALL:
        found.left_out[label] = f"holds dates, such as {words.shown(cells[:1])}; no kind of feature takes them"
    elif _numbers(cells) >= _NEARLY_ALL:
        _find_number(place, cells, catalogue, found)
    else:
        separator = _category_separator(cells) if catalogue.types.get(place) != "list" else "|"
        parts = Counter(part.strip() for cell in cells for part in (cell.split(separator) if separator else [cell]))
        if len(parts) <= _MOST_CATEGORIES * catalogue.rows and sum(map(len, parts)) <= 40 * len(parts):
            feature = {"kind": "category", "column": column}
            if separator and catalogue.types.get(place) != "list":
                feature["separator"] = separator
            note = Note(f"{len(parts):,} categories, such as {words.shown([one for one, _ in parts.most_common(3)])}")
            _add(found, name, feature, note)
        elif sum(cell.count(" ") for cell in cells) > 2 * len(cells):
            _add(found, name, {"kind": "text", "column": column}, Note(f"texts, such as {words.shown(cells[:1])}"))
        else:
            found.left_out[label] = f"{len(kinds):,} different values are too many for a category, and no texts"


def _find_number(place: int, cells: list[str], catalogue: Head, found: CatalogueGuess) -> None:
    label, name = catalogue.label(place), _feature_name(catalogue, place)
    plain = words.plain(name)
    is_row_number = catalogue.names is None and all(map(words.is_whole, cells)) and len(set(cells)) == len(cells)
    if is_row_number or plain.endswith(_ID_ENDINGS):
        found.left_out[label] = f"looks like ids, such as {words.shown(cells[:2])}"
        return
    style = list(_style(cells))
    marks = {name_of: value for name_of, value, _ in style if name_of != _SIGNS_FIELD}
    both = {**found.marks, **marks}
    if both != {**marks, **found.marks} or len(set(both.values())) < len(both):
        found.left_out[label] = f"is written in another way than other numbers, as {words.shown([style[-1][2]])}"
        return
    found.marks = both
    for name_of, value, cell in style:
        if (name_of, value) == ("decimal", "."):
            continue
        found.format[name_of] = sorted({*found.format.get(name_of, []), *value}) if name_of == _SIGNS_FIELD else value
        is_sure = value != "," or name_of != "thousands" or "." in cell
        said = f"{label} is written as {words.shown([cell])}"
        found.notes[name_of] = Note(said, is_sure, otherwise="" if is_sure else 'decimal: ","')
    _add(found, name, {"kind": "number", "column": catalogue.column(place)}, Note(f"such as {words.shown(cells[:3])}"))


def _style(cells: Sequence[str]) -> Iterator[tuple[str, Any, str]]:
    """Yields how numbers are written: a field of `format`, its value, and a cell that shows it."""
    signs = {sign: cell for cell in cells for match in _SIGNS.finditer(cell) if (sign := match[1] or match[2])}
    if signs:
        yield _SIGNS_FIELD, sorted(signs), next(iter(signs.values()))
    bare = {_SIGNS.sub("", cell).strip(): cell for cell in cells}
    # Three digits after a comma are a group, as in 1,234; another number of them is a fraction.
    fractions = [one for one in bare if re.fullmatch(r"[^,]*,(\d{1,2}|\d{4,})", one)]
    points = [one for one in bare if re.fullmatch(r"[^.]*[.]\d+", one)]
    if fractions:
        yield "decimal", ",", bare[fractions[0]]
    elif points:
        yield "decimal", ".", bare[points[0]]
    for mark in ". '" if fractions else ", '":
        group = re.compile(rf"[+-]?\d{{1,3}}([{mark}]\d{{3}})+({',' if fractions else '[.]'}\d+)?")
        grouped = [one for one in bare if group.fullmatch(one)]
        if grouped:
            yield "thousands", mark, bare[grouped[0]]
            return


def _numbers(cells: Sequence[str]) -> float:
    """The share of cells that are numbers, with signs before or after them."""
    grouped = re.compile(r"[+-]?\d{1,3}([., ']\d{3})*([.,]\d+)?")
    bare = (_SIGNS.sub("", cell).strip() for cell in cells)
    return sum(words.is_number(cell) or grouped.fullmatch(cell) is not None for cell in bare) / len(cells)


def _category_separator(cells: Sequence[str]) -> str | None:
    """The separator with which cells are several categories, most of which stand in other cells too; else None."""
    for separator in _CATEGORY_SEPARATORS:
        if sum(separator in cell for cell in cells) < 0.1 * len(cells):
            continue
        different = set(cells)
        seen = Counter(part for cell in different for part in {part.strip() for part in cell.split(separator)})
        among_several = {part.strip() for cell in different if separator in cell for part in cell.split(separator)}
        if sum(seen[part] > 1 for part in among_several) >= 0.5 * len(among_several):
            return separator
    return None


def _feature_name(catalogue: Head, place: int) -> str:
    name = re.sub(r"\W+", "_", catalogue.name(place) or "").strip("_").lower()
    if not name or not name.isidentifier() or name in ("item_id", "title"):
        name = f"{name}_{place}" if name.isidentifier() else f"column_{place}"
    return name


def _add(found: CatalogueGuess, name: str, feature: dict[str, Any], note: Note) -> None:
    while name in found.features:
        name += "_2"
    found.features[name] = feature
    found.notes[f"features.{name}"] = note
