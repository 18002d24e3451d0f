"""Defines where the interaction log is, and how it is read, cleaned and split.

A component gets `LogSettings`, which names no place: the files that a run reads are the component's input.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.base import Settings
from configs.cleaning import Cleaning
from configs.file_format import Column, FileFormat, refuse_other_columns, require_names
from configs.split import Split
from configs.time_zone import TimeZone

MAX_FLOAT32 = 3.4028234663852886e38
"""The largest finite float32, the type of floats in Examples."""

_SPANS = ("{SPAN", "{VERSION", "{YYYY}", "{MM}", "{DD}")
"""Words of TFX for spans; where one of an ExampleGen's patterns has one, all must."""


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


class LogSettings(Settings):
    """How the log is read, cleaned and split, wherever its files are."""

    format: FileFormat = FileFormat()
    """The layout of the files."""

    columns: LogColumns = LogColumns()
    """The columns that hold user, item, value and time."""

    timestamp_unit: Literal["s", "ms", "us", "ns", "compact"] = "s"
    """Unit of timestamps that are numbers. `s`, `ms`, `us`, `ns`: since 1970, Unix seconds by default. `compact`: the
    digits of a date, or of a date and a time, as 20231115 and 20231115003612. Texts in ISO 8601 are read with any unit,
    and so are the timestamps and dates of Parquet."""

    time_zone: TimeZone = "UTC"
    """The IANA time zone of dates and times without an offset."""

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
    def _parts_fit_together(self) -> "LogSettings":
        if self.event_weights is not None and self.columns.value is None:
            raise ValueError("event_weights needs columns.value, the column of the event type")
        if self.cleaning.positive_min is not None and self.columns.value is None and self.cleaning.deduplicate != "sum":
            raise ValueError("cleaning.positive_min needs columns.value, or cleaning.deduplicate: sum to count events")
        if self.columns.timestamp is None and (self.split.method == "time" or self.cleaning.window_days is not None):
            raise ValueError("split.method 'time' and cleaning.window_days need columns.timestamp")
        return self


class LogPlace(Settings):
    """Where the log's files are."""

    path: str | dict[Literal["train", "eval"], str]
    """Glob of the files: local, `gs://…`, or `dataset://NAME/FILE` for a data set of `perennial datasets`. Relative
    paths start at the YAML's folder. With the `given` split, a mapping from `train` and from `eval` to a glob each."""

    events: bool = False
    """Whether the events that the service has taken are a part of the log. Then `perennial run` exports them first, and
    their files are read beside the others, whatever the others' layout is. With the `given` split they are for
    training."""

    @model_validator(mode="after")
    def _place_is_named(self) -> "LogPlace":
        require_names([self.path] if isinstance(self.path, str) else self.path.values())
        return self


# Fields of the last base come first, so `path` is the first field here and in docs/config.md.
class Log(LogSettings, LogPlace):
    """The interaction log: one row for each time a user met an item.

    Example:
        log:
          path: events-*.csv
          columns: {user_id: customer, item_id: sku, timestamp: time}
    """

    @model_validator(mode="after")
    def _path_fits_the_split(self) -> "Log":
        given = self.split.method == "given"
        if given != isinstance(self.path, dict):
            raise ValueError(
                "split.method 'given' and a path that maps 'train' and 'eval' to globs go together; "
                f"received method {self.split.method!r} and path {self.path!r}"
            )
        if isinstance(self.path, dict) and set(self.path) != {"train", "eval"}:
            raise ValueError(f"path must name both 'train' and 'eval'; received {sorted(self.path)}")
        paths = self.path.values() if isinstance(self.path, dict) else [self.path]
        if self.events and any(word in path for path in paths for word in _SPANS):
            raise ValueError(
                "events: true and a path with {SPAN}, {VERSION} or a date do not go together, because exported events "
                "have no spans: name the files by a glob"
            )
        refuse_other_columns(self.format, self.columns.model_dump().values(), paths)
        return self
