"""Converts cells of the catalogue to content features: lists of text or numbers, which may be empty."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from configs.catalogue import CatalogueSettings
from configs.content_features import CategoryFeature, Feature, NumberFeature
from configs.file_format import Column, FileFormat
from pipeline.reading import bad_rows, columns
from pipeline.reading.bad_rows import Problems
from pipeline.reading.parsed import Kind

TEXT = pa.list_(pa.string())
NUMBER = pa.list_(pa.float32())


@dataclass(frozen=True)
class Unreadable:
    """Cells of a numeric feature that hold something else than a number."""

    count: int = 0
    example: str = ""
    """One of them, in quotes and cut."""

    path: str = ""
    """The file that has it."""

    def __add__(self, other: "Unreadable") -> "Unreadable":
        first = self if self.count else other
        return Unreadable(self.count + other.count, first.example, first.path)


def wanted_columns(catalogue: CatalogueSettings) -> dict[str, Column]:
    """Returns field to the column that holds it, for all content features; each flag is a field of its own."""
    wanted: dict[str, Column] = {}
    for name, feature in catalogue.features.items():
        if isinstance(feature, CategoryFeature) and feature.flags is not None:
            wanted |= {_flag(name, category): column for category, column in feature.flags.items()}
        elif feature.column is not None:
            wanted[name] = feature.column
    return wanted


def kinds(catalogue: CatalogueSettings) -> dict[str, Kind]:
    """Returns field to what its column holds, for the fields of `wanted_columns`."""
    found: dict[str, Kind] = {}
    for name, feature in catalogue.features.items():
        if isinstance(feature, CategoryFeature) and feature.flags is not None:
            found |= dict.fromkeys((_flag(name, category) for category in feature.flags), "number")
        elif isinstance(feature, NumberFeature):
            found[name] = "number" if feature.pattern is None else "text"
        else:
            found[name] = "texts" if isinstance(feature, CategoryFeature) else "text"
    return found


def types(catalogue: CatalogueSettings) -> dict[str, Any]:
    """Returns content feature to its Arrow type."""
    return {name: NUMBER if isinstance(f, NumberFeature) else TEXT for name, f in catalogue.features.items()}


def read_feature(
    name: str, feature: Feature, cells: Any, form: FileFormat, problems: Problems
) -> tuple[Any, Unreadable]:
    """Reads one content feature.

    Args:
        name: The feature's name.
        feature: Its config.
        cells: pyarrow.Table with the columns of `wanted_columns`.
        form: How numbers are written.
        problems: Gets the rows whose text is not UTF-8.

    Returns:
        Array of lists, where a list is empty if the catalogue has no value that can be read; and the cells that hold
        something that cannot be read.
    """
    if isinstance(feature, NumberFeature):
        return _numbers(name, feature, cells, form, problems)
    return _texts(name, feature, cells, form, problems), Unreadable()


def _texts(name: str, feature: Feature, cells: Any, form: FileFormat, problems: Problems) -> Any:
    if isinstance(feature, CategoryFeature) and feature.flags is not None:
        return _flags(name, list(feature.flags), cells, form)
    column = cells.column(name)
    if isinstance(feature, CategoryFeature):
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            return _non_empty(pa.chunked_array(column.chunks, column.type).cast(TEXT).combine_chunks())
        if feature.separator is not None:
            return _non_empty(pc.split_pattern(columns.texts(column, name, problems), feature.separator))
    return _singles(columns.texts(column, name, problems))


def _numbers(
    name: str, feature: NumberFeature, cells: Any, form: FileFormat, problems: Problems
) -> tuple[Any, Unreadable]:
    column: Any = cells.column(name)
    if feature.pattern is not None:
        pattern = re.compile(feature.pattern)
        found = (pattern.search(text) for text in columns.texts(column, name, problems).to_pylist())
        column = pa.chunked_array([pa.array([m.group(1) if m else None for m in found], pa.string())])
    without = Problems.none(len(column))
    numbers = columns.numbers(column, name, form, without).astype(np.float32)
    held = columns.plain(cells.column(name))
    is_there = np.zeros(len(held), bool)
    if pa.types.is_string(held.type):  # a missing number of Parquet is not a number either
        is_there = np.asarray(pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(held), ""), False))
    others = np.flatnonzero(is_there & ~without.good)
    example = bad_rows.cell(held[int(others[0])].as_py()) if len(others) else ""
    lists = _lists(without.good.astype(np.int64), pa.array(numbers[without.good]))
    return lists, Unreadable(len(others), example)


def _flags(name: str, categories: list[str], cells: Any, form: FileFormat) -> Any:
    """Returns for each row the categories whose flag is a number other than 0."""
    rows = cells.num_rows
    marked = np.zeros((rows, len(categories)), bool)
    for i, category in enumerate(categories):
        field = _flag(name, category)
        marked[:, i] = columns.numbers(cells.column(field), field, form, Problems.none(rows)) != 0
    which = np.nonzero(marked)[1].astype(np.int32)
    return _lists(marked.sum(axis=1), pa.array(categories, pa.string()).take(pa.array(which)))


def _non_empty(lists: Any) -> Any:
    """Removes blanks around the texts of lists, and empty texts."""
    texts = pc.fill_null(pc.utf8_trim_whitespace(lists.flatten()), "")
    kept = np.asarray(pc.not_equal(texts, "")).astype(bool)
    parents = np.asarray(pc.list_parent_indices(lists))[kept]
    return _lists(np.bincount(parents, minlength=len(lists)), texts.filter(pa.array(kept)))


def _singles(texts: Any) -> Any:
    filled = np.asarray(pc.not_equal(pc.utf8_trim_whitespace(texts), "")).astype(bool)
    return _lists(filled.astype(np.int64), texts.filter(pa.array(filled)))


def _lists(counts: Any, values: Any) -> Any:
    """Cuts values into lists; `counts` ([rows] int64) holds the length of each."""
    return pa.ListArray.from_arrays(pa.array(np.append(0, np.cumsum(counts)).astype(np.int32)), values)


def _flag(name: str, category: str) -> str:
    return f"{name}\0{category}"


def empty(fields: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Makes arrays of empty lists, for items that the catalogue lacks.

    Args:
        fields: Content feature to its type.
        rows: How many items.
    """
    return {name: pa.array([[]] * rows, kind) for name, kind in fields.items()}
