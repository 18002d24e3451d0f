"""Defines where the catalogue is, and how it is read."""

from pydantic import Field, field_validator, model_validator

from configs.base import Settings
from configs.content_features import CategoryFeature, Feature
from configs.file_format import Column, FileFormat, refuse_names_without_header


class Catalogue(Settings):
    """The items that can be recommended.

    Example:
        catalogue:
          path: articles.csv
          item_id: sku
          title: name
          features:
            category: {kind: category, column: categories, separator: "|"}
    """

    path: str
    """Glob of the files, as for the log."""

    format: FileFormat = FileFormat()
    """Layout of the files."""

    item_id: Column = "item_id"
    """Column of the item's id, as the log has it."""

    title: Column | None = "title"
    """Column of the title that people read. None: the id is the title."""

    features: dict[str, Feature] = {}
    """Content features by name. An item without events is recommended by these."""

    max_bad_fraction: float = Field(default=0.01, ge=0, le=1)
    """Largest share of bad rows; above it the run stops."""

    min_shared_fraction: float = Field(default=0.5, ge=0, le=1)
    """Least share of the log's items that the catalogue must know; below it the run stops, because the two ids do not
    mean the same thing. Default 0.5: goodbooks-10k's two id columns overlap in 1 of 12."""

    @field_validator("features")
    @classmethod
    def _names_are_feature_names(cls, features: dict[str, Feature]) -> dict[str, Feature]:
        for name in features:
            if not name.isidentifier() or name in ("item_id", "title"):
                raise ValueError(
                    f"a feature's name must be an identifier other than item_id and title; received {name!r}"
                )
        return features

    @model_validator(mode="after")
    def _columns_fit_the_format(self) -> "Catalogue":
        flags = [f.flags for f in self.features.values() if isinstance(f, CategoryFeature) and f.flags is not None]
        columns = [self.item_id, self.title, *(feature.column for feature in self.features.values())]
        refuse_names_without_header(self.format, [*columns, *(column for flag in flags for column in flag.values())])
        return self
