"""Reads the catalogue's files as one Arrow table of items."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from common.errors import DataError
from configs.catalogue import CatalogueSettings
from configs.file_format import Column
from configs.ids import Ids
from pipeline.components.catalogue_gen import content
from pipeline.components.catalogue_gen.content import Unreadable
from pipeline.reading import bad_rows, columns, pieces, report
from pipeline.reading.bad_rows import BadRow, Problems
from pipeline.reading.files import InputFile
from pipeline.reading.parsed import Kind, Parsed
from pipeline.reading.pieces import Piece
from pipeline.reading.report import FileReport, ReadingReport
from transforms import features

MAX_QUARANTINE_ROWS = 10_000
"""The most rows that the quarantine lists; the log's default is the same."""

_ITEM, _TITLE = "\0item", "\0title"
"""Fields of the id and the title; no content feature can have these names."""


@dataclass(frozen=True)
class Items:
    """The catalogue as it was read."""

    table: Any
    """pyarrow.Table of `item_id` and `title` strings, and one list for each content feature; one row per item, in the
    order of the input."""

    report: ReadingReport
    """Bad rows, including duplicates."""

    unreadable: dict[str, Unreadable]
    """Numeric content feature to its cells that hold something else."""

    titled: npt.NDArray[np.bool_]
    """[items] bool, whether an item has a title. The others get their id as the title. They are in the quarantine, but
    do not count as bad."""


def read_catalogue(inputs: list[InputFile], catalogue: CatalogueSettings, ids: Ids) -> Items:
    """Reads all files.

    Args:
        inputs: The files.
        catalogue: The config.
        ids: How ids are read.

    Returns:
        The items. Of several items with the same id, the first is kept.
    """
    wanted = _wanted_columns(catalogue)
    kinds: dict[str, Kind] = {_ITEM: "id", _TITLE: "text", **content.kinds(catalogue)}
    reports, blocks, places = [], [], []
    unreadable = dict.fromkeys(catalogue.features, Unreadable())
    for file in inputs:
        planned, found = pieces.plan(file, catalogue.format, wanted, optional=wanted.keys() - {_ITEM})
        reports.append(found)
        # Text is read as a whole, starting with its first piece, because a quoted text may hold line breaks.
        for piece in planned if catalogue.format.kind == "parquet" else planned[:1]:
            try:
                for start, parsed in pieces.read(piece, catalogue.format, wanted, kinds, whole=True):
                    with pieces.convertible(file):
                        table, rows, block_report, others = _items(piece, start, parsed, catalogue, ids)
                    unreadable = {name: unreadable[name] + others[name] for name in unreadable}
                    reports.append(block_report)
                    blocks.append(table)
                    places += [(file.index, start, int(row)) for row in rows]
            except DataError as e:
                reports.append(ReadingReport({file.index: FileReport(file.path, error=str(e))}))
    merged = report.merge(reports, MAX_QUARANTINE_ROWS)
    if not blocks:
        return Items(_schema(catalogue).empty_table(), merged, unreadable, np.zeros(0, bool))
    table = pa.concat_tables(blocks).combine_chunks()
    table, places = _drop_duplicates(table, places, merged)
    blank = pc.equal(pc.utf8_trim_whitespace(table.column(features.TITLE)), "")
    untitled = np.flatnonzero(np.asarray(blank))
    merged.quarantine += [_bad_row(table, int(row), places[row], bad_rows.EMPTY_TITLE) for row in untitled]
    merged.quarantine = sorted(merged.quarantine)[:MAX_QUARANTINE_ROWS]
    titles = pc.if_else(blank, table.column(features.ITEM_ID), table.column(features.TITLE))
    table = table.set_column(table.column_names.index(features.TITLE), features.TITLE, titles)
    return Items(table, merged, unreadable, ~np.asarray(blank).astype(bool))


def ids_alone(item_ids: Any, catalogue: CatalogueSettings | None) -> Any:
    """Makes a table of items that the catalogue lacks: the id is also the title, and there is no content.

    Args:
        item_ids: pyarrow string array.
        catalogue: The config; its content features are left empty.

    Returns:
        The table.
    """
    kinds = content.types(catalogue) if catalogue else {}
    return pa.table({features.ITEM_ID: item_ids, features.TITLE: item_ids, **content.empty(kinds, len(item_ids))})


def _wanted_columns(catalogue: CatalogueSettings) -> dict[str, Column]:
    wanted: dict[str, Column] = {_ITEM: catalogue.item_id, **content.wanted_columns(catalogue)}
    return wanted if catalogue.title is None else {**wanted, _TITLE: catalogue.title}


def _schema(catalogue: CatalogueSettings) -> Any:
    return pa.schema({features.ITEM_ID: pa.string(), features.TITLE: pa.string(), **content.types(catalogue)})


def _items(
    piece: Piece, start: int, parsed: Parsed, catalogue: CatalogueSettings, ids: Ids
) -> tuple[Any, npt.NDArray[np.int64], ReadingReport, dict[str, Unreadable]]:
    cells = parsed.table
    problems = Problems.none(cells.num_rows)
    problems.add(pieces.repeats_header(piece, cells), bad_rows.REPEATED_HEADER)
    item_id = columns.ids(cells.column(_ITEM), "item_id", ids, problems).cast(pa.string())
    title = item_id if catalogue.title is None else columns.texts(cells.column(_TITLE), "title", problems)
    read = {
        name: content.read_feature(name, feature, cells, catalogue.format, problems)
        for name, feature in catalogue.features.items()
    }
    found = {name: lists for name, (lists, _) in read.items()}
    table = pa.table({features.ITEM_ID: item_id, features.TITLE: title, **found}).cast(_schema(catalogue))
    block_report = pieces.report_block(piece.file, start, parsed, problems, MAX_QUARANTINE_ROWS)
    others = {name: replace(unreadable, path=piece.file.path) for name, (_, unreadable) in read.items()}
    return table.filter(pa.array(problems.good)), parsed.rows[problems.good], block_report, others


def _drop_duplicates(
    table: Any, places: list[tuple[int, int, int]], merged: ReadingReport
) -> tuple[Any, list[tuple[int, int, int]]]:
    codes = table.column(features.ITEM_ID).combine_chunks().dictionary_encode().indices.to_numpy()
    first = np.zeros(len(codes), bool)
    first[np.unique(codes, return_index=True)[1]] = True
    for row in np.flatnonzero(~first):
        repeated = _bad_row(table, int(row), places[row], bad_rows.DUPLICATE_ID)
        found = merged.files[repeated.file_index]
        found.bad[bad_rows.DUPLICATE_ID] += 1
        found.first_bad = min(found.first_bad or repeated, repeated)
        merged.quarantine.append(repeated)
    return table.filter(pa.array(first)), [place for place, stays in zip(places, first, strict=True) if stays]


def _bad_row(table: Any, row: int, place: tuple[int, int, int], reason: str) -> BadRow:
    cells = (str(table.column(name)[row].as_py()) for name in (features.ITEM_ID, features.TITLE))
    return BadRow(place[0], place[1], place[2], reason, bad_rows.excerpt(", ".join(cells)))
