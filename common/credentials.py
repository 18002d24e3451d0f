"""Keeps credentials out of what people read."""

import re

_IN_A_URI = re.compile(r"(?<=://)[^\s'\"]*@")
"""What stands before the host: `user:password@`. It may take more than that, and never less."""


def without_credentials(text: str) -> str:
    """Replaces users and passwords in the URIs of a text by `***`.

    Args:
        text: Such as an error message.
    """
    return _IN_A_URI.sub("***@", text)
