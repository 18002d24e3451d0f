"""Defines the content features of the catalogue."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from configs.base import Settings
from configs.file_format import Characters, Column


class TextFeature(Settings):
    """Free text, split into tokens whose embeddings are averaged.

    Example:
        catalogue:
          path: articles.csv
          features:
            name_words: {kind: text, column: name}
    """

    kind: Literal["text"] = "text"
    """Marks a text feature."""

    column: Column
    """Column of the text."""

    tokens: Literal["words", "char_trigrams"] = "words"
    """How text is split. `words`: lower-cased words. `char_trigrams`: three letters in a row, for titles in many
    languages."""

    max_vocabulary: int = Field(default=20_000, ge=1)
    """Number of tokens that get an embedding, the most frequent ones."""


class CategoryFeature(Settings):
    """One category for each item, or several with a separator.

    Example:
        catalogue:
          path: films.csv
          features:
            genres: {kind: category, column: genres, separator: "|"}
            awards: {kind: category, flags: {oscar: has_oscar, bafta: has_bafta}}
    """

    kind: Literal["category"] = "category"
    """Marks a categorical feature."""

    column: Column | None = None
    """Column of the category. None: `flags` is used instead."""

    separator: Characters | None = Field(default=None, min_length=1)
    """Characters between two categories of one item. None: an item has one category."""

    flags: Annotated[dict[str, Column], Field(min_length=1)] | None = None
    """Column of each category, holding 0 or 1, as in MovieLens' 19 genre columns. None: `column` is used instead."""

    max_vocabulary: int = Field(default=20_000, ge=1)
    """Number of categories that get an embedding, the most frequent ones."""

    @model_validator(mode="after")
    def _column_or_flags(self) -> "CategoryFeature":
        if (self.column is None) == (self.flags is None):
            raise ValueError("a category has either 'column' or 'flags'")
        return self


class NumberFeature(Settings):
    r"""A number, cut into quantile buckets.

    Example:
        catalogue:
          path: films.csv
          features:
            price: {kind: number, column: price}
            year: {kind: number, column: title, pattern: '\((\d{4})\)'}
    """

    kind: Literal["number"] = "number"
    """Marks a numeric feature."""

    column: Column
    """Column of the number."""

    pattern: str | None = None
    """A regular expression whose first group is the number, such as `\\((\\d{4})\\)` for the year in a title."""

    buckets: int = Field(default=10, ge=2, le=1000)
    """Number of quantile buckets, over the catalogue. Default 10: deciles."""

    @field_validator("pattern")
    @classmethod
    def _pattern_has_a_group(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                groups = re.compile(pattern).groups
            except re.error as e:
                raise ValueError(f"is not a regular expression: {e}") from e
            if groups == 0:
                raise ValueError("needs a group, in brackets, around the number")
        return pattern


Feature = Annotated[TextFeature | CategoryFeature | NumberFeature, Field(discriminator="kind")]


def _names_are_feature_names(features: dict[str, Feature]) -> dict[str, Feature]:
    for name in features:
        if not name.isidentifier() or name in ("item_id", "title"):
            raise ValueError(f"a feature's name must be an identifier other than item_id and title; received {name!r}")
    return features


ContentFeatures = Annotated[dict[str, Feature], AfterValidator(_names_are_feature_names)]
"""Content features by name."""
