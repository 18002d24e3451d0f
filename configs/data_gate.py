"""Defines when DataGate stops a run."""

from pydantic import Field, field_validator

from configs.base import Settings


class DataGateSettings(Settings):
    """When DataGate stops the run: on anomalies, and on data too far from what the last blessed model learned from.

    Each limit compares a number of today's data with the same number of the last blessed model's data. A limit of None
    is not checked. Without a blessed model no limit is checked.

    The defaults were measured on MovieTweetings and MovieLens 100K, each cut into ten growing windows, a tenth of the
    log each; every window was compared with the one before. Each field below gives the largest value measured, and its
    default leaves room above it. The second window doubles the log and gives the largest value of nearly all limits.

    L-infinity is the largest change of one value's share of all values. The Jensen-Shannon divergence compares all
    shares, from 0 (equal) to 1 (nothing in common; Lin 1991). TFDV computes both.

    Example:
        data_gate:
          ignore_anomalies: [SCHEMA_NEW_COLUMN]
          max_gone_catalogue_items: 0.2
          max_item_divergence: 0.17
          max_daily_ratio: 1.9
    """

    ignore_anomalies: tuple[str, ...] = ()
    """Names of anomalies (TFDV's `AnomalyInfo.Type`, e.g. `SCHEMA_NEW_COLUMN`) that do not stop the run."""

    min_compared_values: int = Field(default=500, ge=1)
    """Least number of values of a feature, in both data sets, for distributions to be compared: fewer values differ by
    chance. Default 500: the held-out items of MovieLens 100K, 1 a user, diverge by 0.37 where there are 500 and by 0.28
    where there are 942."""

    max_item_l_infinity: float | None = Field(default=0.05, gt=0, le=1)
    """Largest L-infinity of the training items: one item gains or loses this share of all interactions. Default 5
    points; measured 2.4 at most, the week a film came out."""

    max_item_divergence: float | None = Field(default=0.17, gt=0, le=1)
    """Largest divergence of the training items. Default 0.17: measured 0.147 where the log doubles and 0.065 at most
    after that; with the item ids of the newest half permuted, 0.30 to 0.35 on MovieTweetings and 0.176 to 0.186 on
    MovieLens 100K. A log that more than doubles between two runs needs a higher limit."""

    max_value_divergence: float | None = Field(default=0.1, gt=0, le=1)
    """Largest divergence of ratings, or of event weights. Default 0.1; measured 0.02 at most."""

    max_target_l_infinity: float | None = Field(default=0.2, gt=0, le=1)
    """Largest L-infinity between today's held-out items, which the model will be asked about, and the earlier training
    items. Default 20 points; measured 10.5 at most, because the newest interactions are often of one kind."""

    max_target_divergence: float | None = Field(default=0.55, gt=0, le=1)
    """Largest divergence between today's held-out items and the earlier training items. Default 0.55; measured 0.43 at
    most, and 0.74 with the item ids of the newest half of MovieTweetings permuted."""

    max_category_l_infinity: float | None = Field(default=0.1, gt=0, le=1)
    """Largest L-infinity of each text or category of the catalogue. Default 10 points; genres of the older half of
    MovieLens' films differ by up to 5.7 points from those of all films, and those of every second film by 0.6."""

    max_number_divergence: float | None = Field(default=0.1, gt=0, le=1)
    """Largest divergence of each number of the catalogue. Default 0.1, as for ratings."""

    max_new_users: float | None = Field(default=0.6, gt=0, le=1)
    """Largest share of today's training users that the last run did not have. Default 60 %; measured 48 % at most."""

    max_new_items: float | None = Field(default=0.6, gt=0, le=1)
    """Largest share of today's training items that the last run did not have. Default 60 %; measured 40 % at most."""

    max_new_catalogue_items: float | None = Field(default=0.5, gt=0, le=1)
    """Largest share of today's catalogue that is new. Default 50 %: a catalogue that doubles overnight is another
    catalogue."""

    max_gone_catalogue_items: float | None = Field(default=0.2, gt=0, le=1)
    """Largest share of the last run's catalogue that is gone. Default 20 %: seasons end, but half an export is an
    accident."""

    max_user_share: float | None = Field(default=0.2, gt=0, le=1)
    """Largest share of the log's rows that one user has, if that user has five times the rows of the next or more: a
    robot, or an id that stands for a missing one. It is the only limit, with `max_item_share`, that is checked without
    a blessed model. InteractionGen warns of such a user from 1 % on. Default 20 %; measured 2.7 % at most."""

    max_item_share: float | None = Field(default=0.2, gt=0, le=1)
    """Largest share of the log's rows that one item has, under the same condition. Default 20 %; measured 1.8 %."""

    min_filled_ratio: float | None = Field(default=0.7, gt=0, lt=1)
    """Least ratio of the share of items that have a feature, or a title, to the last run's share; and of the share of
    training interactions whose item has it. Default 0.7: prices that a third of the items lose over night are a broken
    export. Losses that chance explains pass: fewer than 3 items, or interactions within 4 standard errors."""

    min_count_ratio: float | None = Field(default=0.7, gt=0, lt=1)
    """Least ratio of today's number of events, users, items and catalogue items to the last run's; each is checked.
    Default 0.7; measured 0.99 at least, in a window that slides by a sixth of itself."""

    max_count_ratio: float | None = Field(default=4.0, gt=1)
    """Largest ratio of these. Default 4; measured 2.4 at most."""

    min_daily_ratio: float | None = Field(default=0.5, gt=0, lt=1)
    """Least ratio of today's events, users and items per day to the last run's; each is the mean over the newest 28
    days of the log. Default 0.5; measured 0.55 at least. Not checked for logs of less than a day, nor without
    timestamps."""

    max_daily_ratio: float | None = Field(default=1.9, gt=1)
    """Largest ratio of these. Default 1.9: 2 is a log that was loaded twice, or one day of 28 with the events of 29
    days. Measured 1.84 at most."""

    @field_validator("ignore_anomalies")
    @classmethod
    def _names_are_tfdvs(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if names:
            # Imported here, so that a reader of configs without a pipeline, such as the service, need not install it.
            from tensorflow_metadata.proto.v0 import anomalies_pb2

            allowed = sorted(anomalies_pb2.AnomalyInfo.Type.keys())
            unknown = [name for name in names if name not in allowed]
            if unknown:
                raise ValueError(f"no such anomaly: {', '.join(unknown)}; allowed: {', '.join(allowed)}")
        return names
