"""Defines where the catalogue is, and how it is read.

A component gets `CatalogueSettings`, which name no place: the files that a run reads are the component's input.
"""

from pydantic import Field, model_validator

from configs.base import Settings
from configs.content_features import CategoryFeature, ContentFeatures
from configs.file_format import Column, FileFormat, refuse_other_columns, require_names


class CatalogueSettings(Settings):
    """How the catalogue is read, wherever its files are."""

    format: FileFormat = FileFormat()
    """Layout of the files."""

    item_id: Column = "item_id"
    """Column of the item's id, as the log has it."""

    title: Column | None = "title"
    """Column of the title that people read. None: the id is the title."""

    features: ContentFeatures = {}
    """Content features by name. An item without events is recommended by these."""

    max_bad_fraction: float = Field(default=0.01, ge=0, le=1)
    """Largest share of bad rows; above it the run stops."""

    min_shared_fraction: float = Field(default=0.5, ge=0, le=1)
    """Least share of the log's items that the catalogue must know; below it the run stops, because the two ids do not
    mean the same thing. Default 0.5: goodbooks-10k's two id columns overlap in 1 of 12."""


class CataloguePlace(Settings):
    """Where the catalogue's files are."""

    path: str
    """Glob of the files, as for the log."""

    @model_validator(mode="after")
    def _place_is_named(self) -> "CataloguePlace":
        require_names([self.path])
        return self


# Fields of the last base come first, so `path` is the first field here and in docs/config.md.
class Catalogue(CatalogueSettings, CataloguePlace):
    """The items that can be recommended.

    Example:
        catalogue:
          path: articles.csv
          item_id: sku
          title: name
          features:
            category: {kind: category, column: categories, separator: "|"}
    """

    @model_validator(mode="after")
    def _columns_fit_the_format(self) -> "Catalogue":
        flags = [f.flags for f in self.features.values() if isinstance(f, CategoryFeature) and f.flags is not None]
        columns = [self.item_id, self.title, *(feature.column for feature in self.features.values())]
        columns += [column for flag in flags for column in flag.values()]
        refuse_other_columns(self.format, columns, [self.path])
        return self
