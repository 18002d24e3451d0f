"""Defines how the log and the catalogue are read, cleaned and split."""

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from configs.base import Settings

Column = str | Annotated[int, Field(ge=0)]
"""A column: its name in the header, or its position from 0."""

MAX_FLOAT32 = 3.4028234663852886e38
"""The largest finite float32, the type of floats in Examples."""


class FileFormat(Settings):
    """The layout of a text file. Of these fields, Parquet needs `kind` alone.

    Example:
        log:
          path: ratings.dat
          format: {separator: "::", quote: "", header: false}
          columns: {user_id: 0, item_id: 1, value: 2, timestamp: 3}
    """

    kind: Literal["delimited", "parquet"] = "delimited"
    """`delimited`: text (CSV, TSV, `::`). `parquet`: Parquet. A file whose name ends in `.gz` is decompressed while it
    is read."""

    separator: str = Field(default=",", min_length=1, max_length=8)
    """Characters between two columns; no line end. Default: the comma of RFC 4180."""

    header: bool = True
    """Whether the first line of each file names the columns. Default: yes, as in RFC 4180's examples."""

    quote: str = Field(default='"', max_length=1)
    """The quote character, ASCII; empty for none. Default: RFC 4180. Only a separator of one character can have one."""

    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    """Character encoding of the files. A byte-order mark is skipped. Default: UTF-8."""

    @field_validator("separator")
    @classmethod
    def _separator_ends_no_line(cls, separator: str) -> str:
        if "\n" in separator or "\r" in separator:
            raise ValueError("a line end separates rows, so it cannot separate columns")
        return separator

    @field_validator("quote")
    @classmethod
    def _quote_is_one_byte(cls, quote: str) -> str:
        # Arrow's parser takes one byte.
        if quote and (not quote.isascii() or quote in "\r\n\0"):
            raise ValueError("must be one ASCII character other than a line end, or '' for none")
        return quote

    @model_validator(mode="after")
    def _quote_and_separator_fit_together(self) -> "FileFormat":
        if len(self.separator) > 1 and self.quote:
            raise ValueError(f"a separator of several characters ({self.separator!r}) cannot be quoted: set quote: ''")
        if self.separator == self.quote:
            raise ValueError(f"separator and quote are both {self.quote!r}; set quote: '' if nothing is quoted")
        return self


class LogColumns(Settings):
    """The columns of the log, by name in the header or by position from 0."""

    user_id: Column = "user_id"
    """Column of the user's id."""

    item_id: Column = "item_id"
    """Column of the item's id."""

    value: Column | None = None
    """Column of a rating (number) or of an event type (word). None: every row is a plain like."""

    timestamp: Column | None = None
    """Column of the time of the interaction, in `timestamp_unit`. None: the order of the rows in the input is the order
    in time."""

    @model_validator(mode="after")
    def _users_are_not_items(self) -> "LogColumns":
        if self.user_id == self.item_id:
            raise ValueError(f"user_id and item_id are both column {self.user_id!r}")
        return self


class Cleaning(Settings):
    """The steps that clean the log, in the order of these fields. Each step counts what it removes.

    Example:
        log:
          path: events-*.csv
          columns: {value: event, timestamp: time}
          event_weights: {view: 0.5, basket: 2, purchase: 6}
          cleaning:
            window_days: 365
            deduplicate: sum
            min_user_events: 2
    """

    max_bad_fraction: float = Field(default=0.01, ge=0, le=1)
    """Largest share of unreadable rows; above it the run stops. Default 1 %: a good export has few, a broken one
    many."""

    max_quarantine_rows: int = Field(default=10_000, ge=0)
    """Largest number of bad rows that are written to the quarantine, with file, row and reason. The rest are only
    counted."""

    max_future_seconds: int = Field(default=86_400, ge=0)
    """How far a timestamp may be ahead of the run's clock; a row further ahead is a bad row. Default: a day, for local
    times that were exported as UTC."""

    window_days: float | None = Field(default=None, gt=0)
    """Days to keep, back from the newest timestamp in the data. None: all."""

    deduplicate: Literal["latest", "max", "sum", "none"] = "latest"
    """What happens when a user meets an item more than once. One interaction stays, with the latest value, the largest
    (`max`), or the sum (for event weights); `none` keeps all.

    The one that stays has the latest timestamp. The first timestamp decides on which side of a split it is, because a
    user who comes back to an item has met it before.
    """

    positive_min: float | None = None
    """Least value of an interaction, after deduplication; those below are dropped. None: every interaction counts.
    Without a value column each is worth 1, so only `deduplicate: sum`, which counts them, leaves something to
    compare."""

    top_items: int | None = Field(default=None, ge=1)
    """Number of the most interacted items to keep (ties by id). None: all items."""

    min_user_events: int = Field(default=1, ge=1)
    """Least number of interactions of a user, after all other steps; users with fewer are dropped."""


class Split(Settings):
    """How interactions are divided into train and eval. Vocabularies and training statistics never see eval.

    Example:
        log:
          path: ratings.csv
          split:
            method: random
            eval_fraction: 0.1
            seed: 0
    """

    method: Literal["leave_last", "time", "random", "given"] = "leave_last"
    """Which interactions are held out for eval.

    `leave_last`: of each user, the `holdout` items met last. `time`: everything after one moment, which is chosen so
    that `eval_fraction` of all interactions come after it. Both use the time at which a user first met an item (within
    `window_days`), so that what a model was trained on is not held out on a later day.

    `random`: each pair of user and item with the probability `eval_fraction`. A hash of `seed` and the two ids decides,
    so that an interaction stays on its side while the log grows or slides. Each user keeps at least one item for
    training: if all would be held out, the one with the largest hash stays, and that one alone may change sides when
    the user's items change.

    `given`: the log's `path` names the files of each split.
    """

    holdout: int = Field(default=1, ge=1)
    """Items of each user that `leave_last` holds out. A user always keeps one for training."""

    eval_fraction: float = Field(default=0.1, gt=0, lt=1)
    """Share of the interactions that is held out. With `time` it is an upper bound. With `random` it is an expected
    value, so a user with few interactions may have none held out."""

    seed: int = Field(default=0, ge=0)
    """Seed of `random`. Another seed is another split: interactions that the last model was trained on are then held
    out."""


class Log(Settings):
    """The interaction log: one row for each time a user met an item.

    Example:
        log:
          path: events-*.csv
          columns: {user_id: customer, item_id: sku, timestamp: time}
    """

    path: str | dict[Literal["train", "eval"], str]
    """Glob of the files: local, `gs://…`, or `dataset://NAME/FILE` for a data set of `perennial datasets`. Relative
    paths start at the YAML's folder. With the `given` split, a mapping from `train` and from `eval` to a glob each."""

    format: FileFormat = FileFormat()
    """The layout of the files."""

    columns: LogColumns = LogColumns()
    """The columns that hold user, item, value and time."""

    timestamp_unit: Literal["s", "ms", "us"] = "s"
    """Unit of the timestamps. Default: Unix seconds."""

    event_weights: Annotated[dict[str, Annotated[float, Field(gt=0, le=MAX_FLOAT32)]], Field(min_length=1)] | None = (
        None
    )
    """Weight of each event type, where the value column holds event types. A row with another type is a bad row. None:
    the values are numbers."""

    cleaning: Cleaning = Cleaning()
    """Which rows are removed, and when the run stops."""

    split: Split = Split()
    """Which interactions are held out to evaluate the model."""

    num_shards: int = Field(default=0, ge=0)
    """Number of shards of users; each is sorted and grouped in one piece, and is one output file per split. 0: by input
    size, about 64 MiB a shard."""

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "Log":
        given = self.split.method == "given"
        if given != isinstance(self.path, dict):
            raise ValueError(
                "split.method 'given' and a path that maps 'train' and 'eval' to globs go together; "
                f"received method {self.split.method!r} and path {self.path!r}"
            )
        if isinstance(self.path, dict) and set(self.path) != {"train", "eval"}:
            raise ValueError(f"path must name both 'train' and 'eval'; received {sorted(self.path)}")
        if self.event_weights is not None and self.columns.value is None:
            raise ValueError("event_weights needs columns.value, the column of the event type")
        if self.cleaning.positive_min is not None and self.columns.value is None and self.cleaning.deduplicate != "sum":
            raise ValueError("cleaning.positive_min needs columns.value, or cleaning.deduplicate: sum to count events")
        if self.columns.timestamp is None and (self.split.method == "time" or self.cleaning.window_days is not None):
            raise ValueError("split.method 'time' and cleaning.window_days need columns.timestamp")
        _refuse_names_without_header(self.format, self.columns.model_dump().values())
        return self


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

    separator: str | None = Field(default=None, min_length=1)
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
        _refuse_names_without_header(self.format, [*columns, *(column for flag in flags for column in flag.values())])
        return self


def _refuse_names_without_header(form: FileFormat, columns: Iterable[Column | None]) -> None:
    named = [column for column in columns if isinstance(column, str)]
    if named and form.kind == "delimited" and not form.header:
        raise ValueError(f"without a header, columns must be given by position; received names {named}")
