"""Defines the names of features in Examples, raw and transformed. No other module spells them out.

A raw interaction Example is one user:

| feature | type | holds |
|---|---|---|
| `user_id` | bytes [1] | the user |
| `item_id` | bytes [n] | the history, oldest first; ties keep the order of the input |
| `value` | float [n] | each interaction's value: rating, event weight, or 1 |
| `timestamp` | int64 [n] | Unix seconds; absent where the log has none |
| `target_item_id` | bytes [m] | held-out items, oldest first; empty in the train split |
| `target_value` | float [m] | their values |
| `target_timestamp` | int64 [m] | their times, Unix seconds; absent where the log has none |

A raw catalogue Example is one item: `item_id` bytes [1], `title` bytes [1], and each content feature under
its own name (bytes [n] for text and categories, float [n] for numbers; empty if the catalogue has no value).
"""

USER_ID = "user_id"
ITEM_ID = "item_id"
VALUE = "value"
TIMESTAMP = "timestamp"
TARGET_ITEM_ID = "target_item_id"
TARGET_VALUE = "target_value"
TARGET_TIMESTAMP = "target_timestamp"
TITLE = "title"

USER_INDEX = "user_index"
"""Transformed: int64 scalar, the user's place in the training vocabulary; -1 if it is not there."""

HISTORY_INDEX = "history_index"
"""Transformed: int64 [n], each history item's place in the vocabulary of interacted items; -1 if it is not there."""

HISTORY_WEIGHT = "history_weight"
"""Transformed: float [n], 1 for a plain like, the event's weight where the log has event weights."""

HISTORY_TIMESTAMP = "history_timestamp"
"""Transformed: int64 [n], Unix seconds; absent where the log has no times."""

CATALOGUE_INDEX = "catalogue_index"
"""Transformed: int64 scalar, the item's place in the catalogue."""

USER_VOCABULARY = "user_id"
INTERACTED_ITEM_VOCABULARY = "interacted_item_id"
CATALOGUE_VOCABULARY = "catalogue_item_id"
"""Names of vocabulary files in the transform graphs."""


def content_vocabulary(name: str) -> str:
    """The vocabulary file of a text or categorical feature of the catalogue."""
    return f"content_{name}"


def content_index(name: str) -> str:
    """Transformed: int64 [n], tokens, categories or bucket of a content feature; -1 for one outside the vocabulary."""
    return f"content_{name}"
