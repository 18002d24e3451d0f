"""Splits text into the words by which titles are found: without accents, without case.

One rule for the titles and for what people type, in Python: SQLite's own folds less, and differently by version.
"""

import re
import unicodedata

_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ŧ": "t", "ı": "i", "ŋ": "n"}
)
"""Letters that Unicode does not decompose, and that people without the keyboard type like this."""

_IDEOGRAPHS = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
"""Chinese characters and Japanese syllables: no spaces stand between words, so each character is a word."""

_WORD = re.compile(rf"[{_IDEOGRAPHS}]|(?:(?![{_IDEOGRAPHS}])[^\W_])+")


def fold(text: str) -> str:
    """Removes accents and case: `Łódź` becomes `lodz`, and `Straße` becomes `strasse`."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    # Casefold again: compatibility forms, such as full-width letters, get their case only now.
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).casefold().translate(_LETTERS)


def words_of(text: str) -> list[str]:
    """The folded words of a text: runs of letters and digits."""
    return _WORD.findall(fold(text))
