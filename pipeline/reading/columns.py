"""Converts Arrow columns of any type to ids, texts, numbers and times, and reports the cells that are none of these."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from configs.file_format import FileFormat
from configs.ids import Ids
from pipeline.reading import bad_rows, spellings
from pipeline.reading.bad_rows import Problems

MAX_ID_BYTES = 4096
"""Longest id. Ids are lines of vocabulary files and keys of lookup tables; a longer value is not an id."""

_NUMBER = r"(?i)^[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|inf|infinity)$"


PLAIN = FileFormat()
"""Numbers as programs write them."""


def ids(column: Any, field: str, settings: Ids, problems: Problems) -> Any:
    """Reads a column of ids.

    Args:
        column: ChunkedArray of text, numbers or a dictionary of either. A whole number loses its `.0`.
        field: The field's name, for reasons.
        settings: How ids are read.
        problems: Gets the rows whose id is empty, too long, or cannot be a line of a vocabulary file.

    Returns:
        DictionaryArray of int32 codes into string values; the value of a row with a problem has no meaning.
    """
    encoded = _dictionary(column)
    values = encoded.dictionary
    per_value = Problems.none(len(values))
    text = spellings.joined(_as_id_text(values, field, per_value), settings)
    length = np.asarray(pc.binary_length(text))
    per_value.add(length == 0, f"{field} {bad_rows.EMPTY}")
    per_value.add(length > MAX_ID_BYTES, f"{field} {bad_rows.TOO_LONG}")
    per_value.add(_holds(text, "\0"), f"{field} {bad_rows.HOLDS_NUL}")
    per_value.add(_holds(text, "\n") | _holds(text, "\r"), f"{field} {bad_rows.LINE_BREAK}")
    codes = encoded.indices
    if codes.null_count:
        problems.add(np.asarray(codes.is_null()), f"{field} {bad_rows.EMPTY}")
        codes = codes.fill_null(0)
        if not len(text):
            text = pa.array([""])
    row_codes = codes.to_numpy()
    if not per_value.good.all():
        for i, reason in enumerate(per_value.reasons):
            problems.add((per_value.codes == i + 1)[row_codes], reason)
    if settings != Ids():  # two values may now be equal
        again = text.dictionary_encode()
        codes, text = again.indices.take(codes), again.dictionary
    return pa.DictionaryArray.from_arrays(codes, text)


def texts(column: Any, field: str, problems: Problems) -> Any:
    """Reads a column of text.

    Args:
        column: ChunkedArray of text or of anything that can be cast to text.
        field: The field's name, for reasons.
        problems: Gets the rows whose text is not UTF-8.

    Returns:
        Array of strings; "" where the cell is missing.
    """
    cells = plain(column)
    if pa.types.is_binary(cells.type) or pa.types.is_large_binary(cells.type):
        found = [b"" if v is None else v for v in cells.to_pylist()]
        decoded = [v.decode("utf-8", "replace") for v in found]
        broken = [text.encode() != v for text, v in zip(decoded, found, strict=True)]
        problems.add(np.array(broken, bool), f"{field} {bad_rows.WRONG_ENCODING}")
        return pa.array(decoded, pa.string())
    if pa.types.is_decimal(cells.type):
        return pa.array(["" if value is None else f"{value:f}" for value in cells.to_pylist()], pa.string())
    return cells.cast(pa.string()).fill_null("")


def numbers(column: Any, field: str, form: FileFormat, problems: Problems) -> npt.NDArray[np.float64]:
    """Reads a column of numbers that Examples can hold.

    Args:
        column: ChunkedArray of numbers or text.
        field: The field's name, for reasons.
        form: How numbers are written in text.
        problems: Gets the rows whose cell is no number, not finite, or too large for a float32.

    Returns:
        [rows] float64; 0 for the rows with a problem.
    """
    found = finite(plain(column), field, problems, form)
    fits = fits_float32(found)
    if not fits.all():
        problems.add(~fits, f"{field} {bad_rows.BEYOND_FLOAT32}")
        found = np.where(fits, found, 0.0)
    return found


def fits_float32(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """[n] bool: which of `values`, [n] float64, stay finite in the float32 of an Example."""
    with np.errstate(over="ignore"):
        return np.isfinite(values.astype(np.float32))


def weights(column: Any, table: Mapping[str, float], problems: Problems) -> npt.NDArray[np.float64]:
    """Reads a column of event types.

    Args:
        column: ChunkedArray of text.
        table: Event type to weight.
        problems: Gets the rows whose event type has no weight.

    Returns:
        [rows] float64; 0 where the type is unknown.
    """
    encoded = _dictionary(column)
    names = encoded.dictionary.cast(pa.string()).to_pylist()
    # The last entry is for missing cells.
    weight_by_code = np.array([table.get(name, np.nan) for name in names] + [np.nan])
    found = weight_by_code[encoded.indices.fill_null(len(names)).to_numpy()]
    unknown = np.isnan(found)
    problems.add(unknown, bad_rows.UNKNOWN_EVENT)
    return np.where(unknown, 0.0, found)


def finite(cells: Any, field: str, problems: Problems, form: FileFormat = PLAIN) -> npt.NDArray[np.float64]:
    """Converts one array of numbers or text.

    Args:
        cells: Array.
        field: The field's name, for reasons.
        problems: Gets the rows whose cell is empty, no number, or not finite.
        form: How numbers are written in text.

    Returns:
        [rows] float64; 0 for the rows with a problem.
    """
    if cells.null_count:
        problems.add(np.asarray(cells.is_null()), f"{field} {bad_rows.EMPTY}")
    if pa.types.is_binary(cells.type) or pa.types.is_large_binary(cells.type):
        cells = texts(cells, field, problems)
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        cells = parse_numbers(cells, form)
    elif pa.types.is_boolean(cells.type) or pa.types.is_decimal(cells.type):
        cells = cells.cast(pa.int8() if pa.types.is_boolean(cells.type) else pa.float64())
    if cells.null_count:
        problems.add(np.asarray(cells.is_null()), f"{field} {bad_rows.NOT_A_NUMBER}")
        cells = cells.fill_null(0)
    found = cells.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    finite = np.isfinite(found)
    if not finite.all():
        problems.add(~finite, f"{field} {bad_rows.NOT_FINITE}")
        found = np.where(finite, found, 0.0)
    return found


def plain(column: Any) -> Any:
    """Returns a ChunkedArray as one array without a dictionary."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _dictionary(column: Any) -> Any:
    """Returns the column as one DictionaryArray of int32 codes."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    table = pa.table({"c": column}).unify_dictionaries().combine_chunks()
    chunks = table.column("c").chunks
    if not chunks:
        return pa.array([], pa.dictionary(pa.int32(), pa.string()))
    only = chunks[0]
    return pa.DictionaryArray.from_arrays(only.indices.cast(pa.int32()), only.dictionary)


def _as_id_text(values: Any, field: str, problems: Problems) -> Any:
    """Converts ids to text; a fraction or broken UTF-8 is not an id."""
    if pa.types.is_decimal(values.type):
        decimals = values.to_pylist()
        fractions = [value is not None and value != value.to_integral_value() for value in decimals]
        problems.add(np.array(fractions, bool), f"{field} {bad_rows.NOT_WHOLE}")
        return pa.array(["" if value is None else f"{value.to_integral_value():f}" for value in decimals], pa.string())
    if pa.types.is_floating(values.type):
        found = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        problems.add(np.isnan(found), f"{field} {bad_rows.EMPTY}")
        wrong = ~(np.isfinite(found) & (np.abs(found) < 2.0**53)) | (np.floor(found) != found)
        problems.add(wrong, f"{field} {bad_rows.NOT_WHOLE}")
        return pa.array(np.where(wrong, 0, found).astype(np.int64)).cast(pa.string())
    return texts(values, field, problems)


def _holds(text: Any, character: str) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.match_substring(text, character)).astype(bool)


def parse_numbers(cells: Any, form: FileFormat = PLAIN) -> Any:
    """Converts an array of text to float64; null where the text is no number.

    Args:
        cells: Array of text.
        form: How numbers are written.
    """
    texts_ = pc.utf8_trim_whitespace(cells)
    if form.number_signs:
        signs = "|".join(map(re.escape, sorted(form.number_signs, key=len, reverse=True)))
        texts_ = pc.replace_substring_regex(texts_, rf"^([+-]?)\s*(?:{signs})\s*", r"\1")
        texts_ = pc.replace_substring_regex(texts_, rf"\s*(?:{signs})$", "")
    if form.thousands:
        between = "[ \u00a0\u202f]" if form.thousands == " " else re.escape(form.thousands)
        grouped = rf"^[+-]?\d{{1,3}}(?:{between}\d{{3}})+(?:{re.escape(form.decimal)}\d*)?$"
        is_grouped = pc.fill_null(pc.match_substring_regex(texts_, grouped), False)
        texts_ = pc.if_else(is_grouped, pc.replace_substring_regex(texts_, between, ""), texts_)
    if form.decimal == ",":
        has_point = pc.fill_null(pc.match_substring(texts_, "."), False)
        texts_ = pc.if_else(has_point, pa.scalar(None, texts_.type), pc.replace_substring(texts_, ",", "."))
    texts_ = pc.replace_substring_regex(texts_, r"^\+", "")
    valid = pc.fill_null(pc.match_substring_regex(texts_, _NUMBER), False)
    return pc.if_else(valid, texts_, pa.scalar(None, texts_.type)).cast(pa.float64())
