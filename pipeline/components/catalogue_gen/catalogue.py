"""Reads the catalogue, checks it, and adds the items of the log that it lacks; without TFX."""

import logging
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from common.errors import DataError
from configs.catalogue import CatalogueSettings
from configs.content_features import CategoryFeature, Feature
from configs.ids import Ids
from documents.catalogue import CatalogueReport
from pipeline.components.catalogue_gen import reading
from pipeline.components.catalogue_gen.reading import Items
from pipeline.reading import bad_rows, report, spellings
from pipeline.reading.files import InputFile
from pipeline.reading.report import ReadingReport
from transforms import features

_SAMPLED_IDS = 3
"""Ids of the log and of the catalogue that the error about different ids shows."""


def make_catalogue(
    inputs: list[InputFile], catalogue: CatalogueSettings | None, interacted: Any, ids: Ids
) -> tuple[Any, CatalogueReport, list[dict[str, Any]]]:
    """Reads the catalogue, checks it, and adds the items of the log that it lacks.

    Args:
        inputs: The catalogue's files.
        catalogue: The config; None for a log without a catalogue.
        interacted: pyarrow.Table of the training split's items: `item_id` string and `count` int64, its interactions.
        ids: How ids are read.

    Returns:
        pyarrow.Table of the items in the order of the files, then the added items, sorted by id; the report; the
        quarantine.

    Raises:
        DataError: Too many bad rows, too few shared ids, or an id that is written in several ways.
    """
    counts, interacted = interacted.column("count"), interacted.column(features.ITEM_ID).combine_chunks()
    if catalogue is None:
        items = Items(
            reading.ids_alone(interacted[:0], None), ReadingReport(), {}, np.zeros(0, bool)
        )  # all are added from the log
    else:
        items = reading.read_catalogue(inputs, catalogue, ids)
    known = pc.is_in(interacted, value_set=items.table.column(features.ITEM_ID).combine_chunks())
    unknown = interacted.filter(pc.invert(known))
    if catalogue is not None:
        _require_usable(items, catalogue, interacted, unknown)
    added = unknown.take(pc.sort_indices(unknown))
    table = pa.concat_tables([items.table, reading.ids_alone(added, catalogue).cast(items.table.schema)])
    found = CatalogueReport(
        **dict(report.counts(items.report)),
        items=table.num_rows,
        untitled_items=int(np.count_nonzero(~items.titled)),
        interacted_items=len(interacted),
        added_items=len(added),
        unreadable={name: found.count for name, found in items.unreadable.items() if found.count},
        filled={name: _filled(table.column(name)) for name in (catalogue.features if catalogue else ())},
        interactions=pc.sum(counts).as_py() or 0,
        filled_interactions=_filled_interactions(items, catalogue, interacted, counts) if catalogue else {},
    )
    return table, found, report.quarantine_json(items.report)


def _require_usable(items: Items, catalogue: CatalogueSettings, interacted: Any, unknown: Any) -> None:
    """Refuses a catalogue with too many bad rows, or with too few of the log's items; it lacks those in `unknown`."""
    fault = report.fault(items.report, catalogue.max_bad_fraction, "catalogue.max_bad_fraction")
    if fault is not None:
        raise DataError(fault)
    _require_each_feature(items, catalogue)
    _require_one_spelling(items.table.column(features.ITEM_ID).combine_chunks(), unknown)
    shared = len(interacted) - len(unknown)
    if shared < catalogue.min_shared_fraction * len(interacted):
        in_catalogue = items.table.column(features.ITEM_ID).slice(0, _SAMPLED_IDS).to_pylist()
        in_log = unknown.slice(0, _SAMPLED_IDS).to_pylist()
        raise DataError(
            f"the catalogue has {shared} of the {len(interacted)} interacted items, less than "
            f"catalogue.min_shared_fraction {catalogue.min_shared_fraction:.0%}: the log and the catalogue use "
            f"different ids. The log has items such as [{bad_rows.listed(in_log)}]; the catalogue has "
            f"[{bad_rows.listed(in_catalogue)}] in column {catalogue.item_id!r}. Correct catalogue.item_id or "
            "log.columns.item_id."
        )


def _require_each_feature(items: Items, catalogue: CatalogueSettings) -> None:
    """Refuses a catalogue in which no item has a feature that the config names; warns of numbers that are none."""
    for name, feature in catalogue.features.items():
        others = items.unreadable[name]
        why = (
            f"{others.count} cell(s) of its column hold something else than a number, such as {others.example} "
            f"in {others.path}"
            if others.count
            else "its column is empty"
        )
        style = "set format.decimal, thousands or number_signs as the numbers are written, " if others.count else ""
        if items.table.num_rows and not _filled(items.table.column(name)):
            raise DataError(
                f"catalogue.features.{name}: no item has a value: {why}. Correct the column in the config "
                f"({_column_of(feature)}) or in the files, {style}or leave the feature out."
            )
        if others.count:
            logging.getLogger("perennial.catalogue_gen").warning("%s: %s; these items have no %s", name, why, name)


def _column_of(feature: Feature) -> str:
    if isinstance(feature, CategoryFeature) and feature.flags is not None:
        return f"flags {', '.join(repr(column) for column in feature.flags.values())}"
    return f"column {feature.column!r}"


def _require_one_spelling(in_catalogue: Any, unknown: Any) -> None:
    """Refuses ids that are written in several ways in the catalogue, or in another way than in the log."""
    both = pa.concat_arrays([in_catalogue, unknown])
    found = spellings.find(both, np.ones(len(both), np.int64))
    if not found.count:
        return
    in_log = set(unknown.to_pylist())
    shown = "; ".join(
        " and ".join(f"{bad_rows.cell(text)} in the {'log' if text in in_log else 'catalogue'}" for text, _ in example)
        for example in found.examples
    )
    raise DataError(f"item_id: {found.count} id(s) are written in several ways, such as {shown}. {spellings.ADVICE}")


def _filled_interactions(items: Items, catalogue: CatalogueSettings, interacted: Any, counts: Any) -> dict[str, int]:
    """Counts the interactions whose item has a title, and those whose item has each feature."""
    place = pc.fill_null(pc.index_in(items.table.column(features.ITEM_ID), value_set=interacted), -1).to_numpy()
    of_item = np.append(counts.to_numpy(), 0)[place]
    has = {name: _has_values(items.table.column(name)) for name in catalogue.features}
    return {name: int(of_item[which].sum()) for name, which in {features.TITLE: items.titled, **has}.items()}


def _filled(lists: Any) -> int:
    """Counts the lists that are not empty."""
    return int(np.count_nonzero(_has_values(lists)))


def _has_values(lists: Any) -> npt.NDArray[np.bool_]:
    return pc.fill_null(pc.list_value_length(lists), 0).to_numpy() > 0
