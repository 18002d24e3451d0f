"""Spans of ExampleGens: parts of the input of which a run reads the newest, such as `{SPAN}` or `{YYYY}-{MM}-{DD}`.

TFX's drivers find the newest span, and replace these words before an executor sees them.
"""

import re

_WORDS = re.compile(r"\{(?:SPAN|VERSION)(?::[^}]*)?\}|\{YYYY\}|\{MM\}|\{DD\}")


def as_glob(pattern: str) -> str:
    """Returns the glob of the files of all spans."""
    return _WORDS.sub("*", pattern)
