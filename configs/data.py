"""How the log and the catalogue are read, cleaned and split."""

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from configs.base import Settings

Column = str | Annotated[int, Field(ge=0)]
"""A column: its name in the header, or its position from 0."""

MAX_FLOAT32 = 3.4028234663852886e38
"""The largest finite float32, which is what Examples hold."""


class FileFormat(Settings):
    """How a text file is laid out. Ignored for Parquet, which says so itself."""

    kind: Literal["delimited", "parquet"] = "delimited"
    """`delimited` text (CSV, TSV, `::`), or `parquet`. A `.gz` ending is decompressed on the way."""

    separator: str = Field(default=",", min_length=1, max_length=8)
    """What stands between columns, as characters; no line end. Default: the comma of RFC 4180."""

    header: bool = True
    """Whether the first line of each file names the columns. Default: yes, as in RFC 4180's examples."""

    quote: str = Field(default='"', max_length=1)
    """The quote character, ASCII; empty for none. Default: RFC 4180. Only with a separator of one character."""

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
            raise ValueError("is one ASCII character other than a line end, or '' for none")
        return quote

    @model_validator(mode="after")
    def _quote_and_separator_fit_together(self) -> "FileFormat":
        if len(self.separator) > 1 and self.quote:
            raise ValueError(f"a separator of several characters ({self.separator!r}) cannot be quoted: set quote: ''")
        if self.separator == self.quote:
            raise ValueError(f"separator and quote are both {self.quote!r}; set quote: '' if nothing is quoted")
        return self


class LogColumns(Settings):
    """Where the log keeps its fields, by name or position."""

    user_id: Column = "user_id"
    """The user."""

    item_id: Column = "item_id"
    """The item."""

    value: Column | None = None
    """A rating (number) or an event type (word). None: every row is a plain like."""

    timestamp: Column | None = None
    """When it happened, in `timestamp_unit`. None: the order of the rows in the input is the order in time."""

    @model_validator(mode="after")
    def _users_are_not_items(self) -> "LogColumns":
        if self.user_id == self.item_id:
            raise ValueError(f"user_id and item_id are both column {self.user_id!r}")
        return self


class Cleaning(Settings):
    """What is taken out of the log, in the order of these fields; each step is counted."""

    max_bad_fraction: float = Field(default=0.01, ge=0, le=1)
    """Unreadable rows over all rows; above it the run stops. Default 1 %: a good export has few, a broken one many."""

    max_quarantine_rows: int = Field(default=10_000, ge=0)
    """Bad rows that are written to the quarantine with file, row and reason; the rest are only counted."""

    max_future_seconds: int = Field(default=86_400, ge=0)
    """A timestamp later than the run's clock by more than this is a bad row, in seconds. Default: a day, for time zones
    taken for UTC."""

    window_days: float | None = Field(default=None, gt=0)
    """Keep this many days back from the newest timestamp in the data. None: keep all."""

    deduplicate: Literal["latest", "max", "sum", "none"] = "latest"
    """Which value stays when a user meets an item more than once: the latest, the largest, or the sum (event weights).

    The one interaction that stays carries the latest timestamp. On which side of a split it falls is decided by the
    first: a user who comes back to an item has met it before.
    """

    positive_min: float | None = None
    """Interactions with a value below this are dropped (after deduplication). None: every interaction counts. Without a
    value column each is worth 1, so that only `deduplicate: sum`, which counts them, leaves something to compare."""

    top_items: int | None = Field(default=None, ge=1)
    """Keep the interactions of the N most interacted items (ties by id). None: all items."""

    min_user_events: int = Field(default=1, ge=1)
    """Drop users with fewer interactions than this after all other steps."""


class Split(Settings):
    """How interactions are divided into train and eval. Eval never reaches vocabularies or statistics of training."""

    method: Literal["leave_last", "time", "random", "given"] = "leave_last"
    """`leave_last`: of each user, the `holdout` items met last. `time`: a global cut that puts `eval_fraction` of all
    interactions after it. Both go by when a user first met an item (within `window_days`), so that what a model was
    trained on is not held out on a later day. `random`: each pair of user and item with the chance `eval_fraction`,
    drawn by a hash of `seed` and the two ids: as the log grows or slides, an interaction stays on its side. A user
    always keeps one item for training: where all would be held out, that of the largest draw, which alone may change
    sides as the user's items change. `given`: the log's `path` names the files of each split."""

    holdout: int = Field(default=1, ge=1)
    """Items of each user held out by `leave_last`. A user always keeps one for training."""

    eval_fraction: float = Field(default=0.1, gt=0, lt=1)
    """Fraction of interactions held out: by `time`, at most; by `random`, expected, so that of a user with few
    interactions none may be held out."""

    seed: int = Field(default=0, ge=0)
    """Seed of `random`. Another one is another split: what the last model has trained on is then held out."""


class Log(Settings):
    """The interaction log."""

    path: str | dict[Literal["train", "eval"], str]
    """A glob of files: local, `gs://…`, or `dataset://NAME/FILE` for a data set of `perennial datasets`. Relative paths
    start at the YAML's folder. With the `given` split, a mapping of `train` and `eval` to a glob each."""

    format: FileFormat = FileFormat()
    """Layout of the files."""

    columns: LogColumns = LogColumns()
    """Where the fields are."""

    timestamp_unit: Literal["s", "ms", "us"] = "s"
    """Unit of the timestamps. Default: Unix seconds."""

    event_weights: Annotated[dict[str, Annotated[float, Field(gt=0, le=MAX_FLOAT32)]], Field(min_length=1)] | None = (
        None
    )
    """For a value column of event types: each type's weight. Other types are bad rows. None: values are numbers."""

    cleaning: Cleaning = Cleaning()
    """What is taken out."""

    split: Split = Split()
    """How it is divided."""

    num_shards: int = Field(default=0, ge=0)
    """Shards of users, each sorted and grouped in one piece, and output files per split. 0: by input size, about 64 MiB
    a shard."""

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
    """Free text, split into tokens whose embeddings are averaged."""

    kind: Literal["text"] = "text"
    """Marks a text feature."""

    column: Column
    """Where it is."""

    tokens: Literal["words", "char_trigrams"] = "words"
    """`words`: lower-cased words. `char_trigrams`: three letters in a row, for titles in many languages."""

    max_vocabulary: int = Field(default=20_000, ge=1)
    """Most frequent tokens that get an embedding."""


class CategoryFeature(Settings):
    """A category, or several with a separator."""

    kind: Literal["category"] = "category"
    """Marks a categorical feature."""

    column: Column | None = None
    """Where it is; None if `flags` are used instead."""

    separator: str | None = Field(default=None, min_length=1)
    """What stands between the categories of a multi-valued column. None: one category."""

    flags: Annotated[dict[str, Column], Field(min_length=1)] | None = None
    """Category name to 0/1 column, as in MovieLens' 19 genre columns; used instead of `column`."""

    max_vocabulary: int = Field(default=20_000, ge=1)
    """Most frequent categories that get an embedding."""

    @model_validator(mode="after")
    def _column_or_flags(self) -> "CategoryFeature":
        if (self.column is None) == (self.flags is None):
            raise ValueError("a category has either 'column' or 'flags'")
        return self


class NumberFeature(Settings):
    """A number, cut into quantile buckets."""

    kind: Literal["number"] = "number"
    """Marks a numeric feature."""

    column: Column
    """Where it is."""

    pattern: str | None = None
    """A regular expression whose first group is the number, such as `\\((\\d{4})\\)` for the year in a title."""

    buckets: int = Field(default=10, ge=2, le=1000)
    """Quantile buckets over the catalogue. Default 10: deciles."""

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
    """The items."""

    path: str
    """A glob of files, as for the log."""

    format: FileFormat = FileFormat()
    """Layout of the files."""

    item_id: Column = "item_id"
    """The item's id, as the log has it."""

    title: Column | None = "title"
    """What a person reads; None: the id stands in."""

    features: dict[str, Feature] = {}
    """Content features by name; an item without events is served from these."""

    max_bad_fraction: float = Field(default=0.01, ge=0, le=1)
    """Bad rows over all rows; above it the run stops."""

    min_shared_fraction: float = Field(default=0.5, ge=0, le=1)
    """Interacted items that the catalogue must know; below it the run stops: the two ids do not mean the same thing.
    Default 0.5: goodbooks-10k's two id columns overlap in 1 of 12."""

    @field_validator("features")
    @classmethod
    def _names_are_feature_names(cls, features: dict[str, Feature]) -> dict[str, Feature]:
        for name in features:
            if not name.isidentifier() or name in ("item_id", "title"):
                raise ValueError(f"a feature's name is an identifier other than item_id and title; received {name!r}")
        return features

    @model_validator(mode="after")
    def _columns_fit_the_format(self) -> "Catalogue":
        flags = [f.flags for f in self.features.values() if isinstance(f, CategoryFeature) and f.flags is not None]
        columns = [self.item_id, self.title, *(feature.column for feature in self.features.values())]
        _refuse_names_without_header(self.format, [*columns, *(column for of in flags for column in of.values())])
        return self


def _refuse_names_without_header(form: FileFormat, columns: Iterable[Column | None]) -> None:
    named = [column for column in columns if isinstance(column, str)]
    if named and form.kind == "delimited" and not form.header:
        raise ValueError(f"without a header, columns are given by position; received names {named}")
