"""Names of the files and folders in artifacts that one component writes and another one reads, except the documents."""

import posixpath

from tfx.dsl.io import fileio

ITEMS_FILE = "items.parquet"
"""In InteractionGen's Examples: the items of the training split with their interactions, in the columns `item_id`
(string) and `count` (int64)."""

ITEM_TIMES_FILE = "item_times.parquet"
"""In InteractionGen's Examples, if the log has times: the items of both splits with the times of their first and last
interaction, in the columns `item_id` (string), `first_time` and `last_time` (int64, Unix seconds)."""

HISTORIES_FILES = "histories-*.parquet"
"""In InteractionGen's Examples, unless `service.max_history` is 0: the newest interactions of each user in either
split, in the columns of `documents.service_data.HISTORIES_FILE`; one file for each shard of users."""

QUARANTINE_FILE = "quarantine.jsonl"
"""In both Examples: the first bad rows, one JSON object a line, with `file`, `row`, `reason` and `excerpt`."""

STATISTICS_FILE = "FeatureStats.pb"
"""In a split's folder of TFX's ExampleStatistics."""

ANOMALIES_FILE = "SchemaDiff.pb"
"""In a split's folder of TFX's ExampleAnomalies."""

LEARNED_FOLDER = "learned_blessing"
"""In the model artifact of a refreshed model: the blessing of the data that its parameters were learned from, where
`DATA_FOLDER` has that of the data whose items and users it took in."""

DATA_FOLDER = "data_blessing"
"""In the model artifact, beside the SavedModel: DataGate's blessing of the data that the model learned from. Once the
model is blessed, DataGate compares a later run's data with it."""


def learned_folder(model: str) -> str:
    """The record of the data that a model's parameters were learned from; the folder may be missing.

    Args:
        model: The model artifact, local or remote.
    """
    learned = posixpath.join(model, LEARNED_FOLDER)
    return learned if fileio.exists(learned) else posixpath.join(model, DATA_FOLDER)
